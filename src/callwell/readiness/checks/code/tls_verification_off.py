# SPDX-License-Identifier: Apache-2.0
"""Certificate verification that is turned off, in Python, scripts and configuration."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.code.http_libraries import SESSION_NAME, library_of
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.python_code import check_modules, read_python
from callwell.readiness.code.set_variables import set_variables
from callwell.readiness.code.text_files import read_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.code.text_files import TextFile
    from callwell.readiness.project import Project

TERMS: Final = (
    *("verify", "ssl=False", "validate_cert", "accept_invalid", "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY"),
    *("CERT_NONE", "check_hostname", "_create_unverified_context", "disable_warnings", "CA_BUNDLE"),
)
"""What the text of a module has if it may be concerned."""

OFF_WORDS: Final = frozenset({"verify", "ssl", "verify_ssl", "validate_cert", "cert_reqs", "ssl_verify"})
"""Keyword arguments of HTTP libraries that turn verification off."""

INVALID_ACCEPTED: Final = frozenset({"danger_accept_invalid_certs", "danger_accept_invalid_hostnames"})
"""Methods of the clients that are built on reqwest, with True as their argument."""

SCRIPT: Final = re.compile(
    r"(?:.*/)?(?:[^/]*\.(?:sh|bash|zsh|ya?ml|toml|env|cfg|ini|conf|mk|json|ps1|service)|\.env[^/]*|\.?curlrc|Makefile"
    r"|Procfile|justfile|(?:Docker|Container|Jenkins)file[^/]*)"
)
"""Files of commands and variables."""

GIVEN: Final = r"\s*(?:[=:]|,?\s*[\"']?value[\"']?\s*:)\s*"
"""Between a variable and its value: a sign, or the next key of a list such as `- name: X`, `value: "0"`."""

OFF_BY_ZERO: Final = ("NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY")
OFF_BY_NOTHING: Final = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""Variables that turn it off in a whole process."""

PROCESS_WIDE: Final = re.compile(
    rf"""\b(?P<name>{"|".join(OFF_BY_ZERO)})["']?{GIVEN}["']?0\b"""
    rf"""|\b(?P<bundle>{"|".join(OFF_BY_NOTHING)})["']?{GIVEN}(?:""|'')"""
)
"""A variable with such a value, in a file of variables or of a deployment."""

COMMAND: Final = re.compile(
    r"\b(?P<name>curl)\b[^|;&\n]*?\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)(?=\s|$)|\b(?P<wget>wget)\b[^|;&\n]*?\s--no-check-certificate"
)
MARKS: Final = ("NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "_CA_BUNDLE", "curl", "wget")
"""Plain parts of these two patterns. A search for all five takes microseconds where the patterns, which begin with no
letter, take 0.6 ms for 250 lines."""

ADDRESS: Final = re.compile(r"""(?:https?://)(?P<host>[^/\s"'`:?#]+|\[[^\]]*\])""")


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check Python, scripts, containers and configuration, except in tests."""
    scripts = 0
    for file in read_texts(project.files, lambda name: SCRIPT.fullmatch(name) is not None):
        scripts += 1
        if isinstance(file, Unchecked):
            yield file
        else:
            yield from _in_script(file, read_signatures(project))
    try:
        yield from check_modules(read_python(project).modules(*TERMS), _check_module)
    except NotApplicable:
        if not scripts:
            raise


def _in_script(file: TextFile, signatures: ProviderSignatures) -> Iterator[Finding]:
    if not any(mark in file.text for mark in MARKS):
        return
    lines = file.text.splitlines()
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith(("#", "//", ";")):
            continue
        off = PROCESS_WIDE.search(line if number == len(lines) else _with_value(line, lines[number]))
        command = COMMAND.search(line)
        if off is not None:
            name = off["name"] or off["bundle"]
            yield _finding(f"{name} turns verification off in the whole process", Place(file.name, number), name)
        elif command is not None and _may_reach(ADDRESS.findall(line), signatures):
            name = command["name"] or command["wget"]
            yield _finding(f"{name} is run without verification", Place(file.name, number), name)


def _with_value(line: str, following: str) -> str:
    """A line that names a variable, with the next one if that has its value."""
    return f"{line} {following.strip()}" if following.lstrip(" -\"'").startswith("value") else line


def _may_reach(hosts: list[str], signatures: ProviderSignatures) -> bool:
    """Whether one of these hosts is a provider's, or is not known; without any host, none is."""
    if not hosts:
        return True
    return any(host.lower() in signatures.hosts or "$" in host or "{" in host for host in hosts)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    yield from _in_variables(module)
    for call in module.syntax.all(ast.Call):
        yield from _in_call(module, call)
    for target, value in module.syntax.assignments():
        what = _turned_off(module, target, value)
        if what is not None:
            yield _finding(f"{what}{module.cell(target)}", module.place(target), what)


def _in_call(module: PythonModule, call: ast.Call) -> Iterator[Finding]:
    name = module.values.dotted(call.func)
    last = name.rpartition(".")[2]
    if last == "disable_warnings" and library_of(name) and _hides_insecure_requests(call):
        what = f"{name} hides that certificates are not verified"
        yield _finding(f"{what}{module.cell(call)}", module.place(call), what, Severity.WARNING)
        return
    if isinstance(call.func, ast.Attribute) and call.func.attr in INVALID_ACCEPTED and _is_true(call):
        what = f"{call.func.attr} is called"
        yield _finding(f"{what}{module.cell(call)}", module.place(call), what)
    if name == "ssl._create_unverified_context" and not isinstance(module.syntax.parent(call), ast.Assign):
        yield _finding(f"{name} verifies nothing{module.cell(call)}", module.place(call), name)
    if not _sends(module, call, name) or _is_elsewhere(module, call):
        return
    for word, value in module.values.keywords(call):
        if word in OFF_WORDS and _is_off(module, value):
            what = f"{name or ast.unparse(call.func)} has {word}={ast.unparse(value)}"
            yield _finding(f"{what}{module.cell(call)}", module.place(value), what)


def _sends(module: PythonModule, call: ast.Call, name: str) -> bool:
    """Whether a call is one of an HTTP library or of a session."""
    if library_of(name):
        return True
    if not isinstance(call.func, ast.Attribute):
        return False
    kinds = module.values.types(call.func.value)
    owner = call.func.value
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return any(library_of(kind) for kind in kinds) or SESSION_NAME.search(last) is not None


def _is_elsewhere(module: PythonModule, call: ast.Call) -> bool:
    """Whether all addresses of a call are known, and none is a provider's."""
    arguments = [*call.args[:2], *(word.value for word in call.keywords if word.arg in ("url", "base_url"))]
    texts = [text for argument in arguments for text in module.values.texts(argument) if "://" in text]
    hosts = [urlsplit(text).hostname or "" for text in texts]
    known = [host for host in hosts if host and "\0" not in host]
    return bool(known) and len(known) == len(hosts) and not any(host in module.signatures.hosts for host in known)


def _is_off(module: PythonModule, value: ast.expr) -> bool:
    """Whether a value turns verification off, whenever the module decides it alone."""
    origins = module.values.origins(value)
    return bool(origins) and all(
        (isinstance(one, ast.Constant) and (one.value is False or one.value == "CERT_NONE"))
        or module.values.dotted(one).rpartition(".")[2] == "CERT_NONE"
        for one in origins
    )


def _is_true(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Constant) and argument.value is True for argument in call.args)


def _hides_insecure_requests(call: ast.Call) -> bool:
    return not call.args or "InsecureRequestWarning" in ast.unparse(call.args[0])


def _turned_off(module: PythonModule, target: ast.expr, value: ast.expr) -> str | None:
    """What an assignment turns off; None if it turns nothing off."""
    match target:
        case ast.Attribute(attr="_create_default_https_context"):
            if "_create_unverified_context" in ast.unparse(value):
                return "certificates are not verified in the whole process"
        case ast.Attribute(value=owner, attr="verify") if _is_off(module, value):
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if SESSION_NAME.search(last) or any(library_of(kind) for kind in module.values.types(owner)):
                return f"{last}.verify is False"
        case ast.Attribute(attr="verify_mode") if _is_off(module, value) and _has_http(module):
            return "the TLS context has CERT_NONE"
        case ast.Attribute(attr="check_hostname") if _is_off(module, value) and _has_http(module):
            return "the TLS context does not check host names"
    return None


def _in_variables(module: PythonModule) -> Iterator[Finding]:
    """Variables that turn verification off in the whole process."""
    for name, value in set_variables(module):
        text = module.values.constant(value)
        if (name in OFF_BY_ZERO and text == "0") or (name in OFF_BY_NOTHING and text == ""):
            what = f"{name} turns verification off in the whole process"
            yield _finding(f"{what}{module.cell(value)}", module.place(value), name)


def _has_http(module: PythonModule) -> bool:
    """Whether a module imports what sends HTTP requests: contexts are for other protocols too."""
    names = [*module.values.bindings.imported_names]
    names += [alias.name for node in module.syntax.all(ast.Import) for alias in node.names]
    return module.calls.imports_callwell or any(library_of(name) for name in names)


def _finding(what: str, place: Place, identity: str, severity: Severity | None = None) -> Finding:
    return Finding(what=what, place=place, identity=identity, severity=severity)


CHECK = Check(
    id="code.tls-verification-off",
    group=Group.CODE,
    title="Certificates are verified",
    severity=Severity.ERROR,
    why="Without verification, anyone on the network path can read and change the key and every response.",
    fix="Delete it. For your own certificate authority, name its certificate: `ca_file=` of a Client, "
    "`verify=PATH` or SSL_CERT_FILE elsewhere.",
    run=run,
)
