-- SPDX-License-Identifier: Apache-2.0
-- All SQL of the SQLite state. A comment line `-- name` begins a query.

-- create
CREATE TABLE cells (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID

-- begin
BEGIN IMMEDIATE

-- commit
COMMIT

-- rollback
ROLLBACK

-- read
SELECT value FROM cells WHERE key = ?

-- write
INSERT INTO cells (key, value, changed_at) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at

-- rewrite
UPDATE cells SET value = ? WHERE key = ?

-- keys
SELECT key FROM cells WHERE key >= ? AND key < ? ORDER BY key

-- delete
DELETE FROM cells WHERE key = ?

-- remove
DELETE FROM cells WHERE key >= ? AND key < ?

-- stamp
SELECT application_id FROM pragma_application_id

-- all
SELECT key, value FROM cells

-- sound
PRAGMA quick_check(1)

-- entries
SELECT key, length(value), changed_at FROM cells ORDER BY key

-- needs
PRAGMA user_version

-- has_steps
SELECT count(*) FROM sqlite_master WHERE name = 'steps'

-- version
SELECT max(version) FROM steps

-- add_times
ALTER TABLE cells ADD COLUMN changed_at REAL

-- create_steps
CREATE TABLE steps (version INTEGER PRIMARY KEY, applied_at REAL NOT NULL)

-- add_step
INSERT INTO steps (version, applied_at) VALUES (?, ?)
