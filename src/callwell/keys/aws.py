# SPDX-License-Identifier: Apache-2.0
"""A key in AWS: Secrets Manager (`aws-secret:NAME#FIELD`) or the Parameter Store (`aws-secret:ssm:NAME`).

Credentials come from the usual AWS chain: variables, profiles, the role of the machine or container.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.extras import install_command
from callwell.keys.fields import pick_field, split_field
from callwell.keys.key import Key
from callwell.keys.spec import StoringGuide

if TYPE_CHECKING:
    from callwell.keys.spec import SourceSpec

LEASE_S: Final = 300.0
"""AWS bills each read: at this lease, 100 processes cost a few cents a month."""

TIMEOUT_S: Final = 5.0
"""Seconds to connect, and for a response; there is one retry."""

SSM: Final = "ssm:"
ARN: Final = "arn:"
ARN_PARTS: Final = 6
"""The prefix of an ARN, and the minimum number of its parts."""


class AwsSource:
    """A secret or a parameter in AWS.

    Args:
        spec: `aws-secret:NAME#FIELD` or `aws-secret:ssm:NAME#FIELD`, with names or ARNs; the field of a JSON object may
            be omitted if the secret is only the key. Options: `region`, `profile`; `lease`, in seconds.

    Raises:
        InvalidOption: there is no name.
    """

    can_change = True
    file = None

    def __init__(self, spec: SourceSpec) -> None:
        spec.check_options(("lease", "profile", "region"))
        self.lease_s: float | None = spec.seconds("lease", LEASE_S)
        name, self._field = split_field(spec.place)
        self._is_parameter = name.startswith(SSM) or (name.startswith(ARN) and ":ssm:" in name)
        self._name = name.removeprefix(SSM)
        if not self._name:
            raise InvalidOption("key", "aws-secret:…", "aws-secret:NAME, aws-secret:ssm:NAME, or an ARN in its place")
        self._region = spec.options.get("region") or _region_of(self._name)
        self._profile = spec.options.get("profile")
        self.location = f"aws-secret:{spec.place}"

    def read(self) -> Key:
        """The current version of the secret.

        Raises:
            KeyMissing: there is no such secret or field, or AWS does not return it.
        """
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise KeyMissing(f"no key: {self.location} needs the package boto3: {install_command('aws')}") from error
        try:
            region = self._region or os.environ.get("AWS_REGION")  # boto3 does not read it
            session = boto3.session.Session(region_name=region, profile_name=self._profile)
            value = self._fetch(session)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "no code")
            raise KeyMissing(
                f"no key: {self.location}: AWS refuses ({code}); check the name, the region and the permissions"
            ) from None
        except BotoCoreError as error:
            reason = " ".join(str(error).split())  # about regions, profiles and addresses; boto3 names no secrets
            raise KeyMissing(f"no key: {self.location} cannot be read: {reason}") from None
        return self._pick(value)

    def revision(self) -> object:
        """Constant: AWS is asked when the lease ends."""
        return None

    def how_to_store(self) -> StoringGuide:
        """A private file that the AWS command line reads the value from."""
        what = f"the whole JSON object, with the new key as {self._field}," if self._field else "the new key"
        name = shlex.quote(self._name)
        options = "".join(
            f" --{option} {shlex.quote(value)}"
            for option, value in (("region", self._region), ("profile", self._profile))
            if value
        )
        put = f"secretsmanager put-secret-value --secret-id {name} --secret-string"
        if self._is_parameter:
            put = f"ssm put-parameter --name {name} --type SecureString --overwrite --value"
        return StoringGuide(
            f"Write {what} into a file that only you can read, store it, and delete the file.",
            ("(umask 077 && ${EDITOR:-vi} ~/new.key)", f"aws {put} file://$HOME/new.key{options}", "rm ~/new.key"),
        )

    def _fetch(self, session: Any) -> Key:
        """The secret, as a hidden text."""
        from botocore.config import Config

        retries = {"total_max_attempts": 2}
        config = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries=retries)
        if self._is_parameter:
            answer = session.client("ssm", config=config).get_parameter(Name=self._name, WithDecryption=True)
            return Key(answer["Parameter"]["Value"])
        answer = session.client("secretsmanager", config=config).get_secret_value(SecretId=self._name)
        return Key(answer.get("SecretString") or "")

    def _pick(self, value: Key) -> Key:
        """The key: the whole text, or a field of a JSON object."""
        import json

        if not value:
            raise KeyMissing(f"no key: {self.location} is empty, or binary; store the key as a string")
        try:
            values = json.loads(value.reveal())
        except ValueError:
            values = None
        if isinstance(values, dict):
            return pick_field(values, self._field, self.location)
        if self._field:
            raise KeyMissing(f"no key: {self.location} is not a JSON object, so it has no field {self._field}")
        return value


def _region_of(name: str) -> str | None:
    """The region in an ARN (`arn:PARTITION:SERVICE:REGION:ACCOUNT:…`); None in a plain name."""
    parts = name.split(":")
    return parts[3] or None if name.startswith(ARN) and len(parts) >= ARN_PARTS else None
