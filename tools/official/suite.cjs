// SPDX-License-Identifier: Apache-2.0
// Runs named tests one after another and writes how they went, in the form that tools/conformance.py reads.

"use strict";

const fs = require("node:fs");

async function runSuite(tests, reportFile) {
  const failures = [];
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok: ${name}`);
    } catch (error) {
      failures.push(name);
      console.log(`FAILED: ${name}: ${describe(error)}`);
    }
  }
  const report = { run: Object.keys(tests).length, bad: failures.length, skipped: 0 };
  fs.writeFileSync(reportFile, JSON.stringify(report));
  process.exit(failures.length === 0 ? 0 : 1);
}

// The official clients reject with responses and with plain objects, not only with errors.
function describe(error) {
  if (error instanceof Error) {
    return error.stack;
  }
  if (error && error.statusCode !== undefined) {
    return `${error.statusCode} ${JSON.stringify(error.body)}`;
  }
  return JSON.stringify(error);
}

module.exports = { runSuite };
