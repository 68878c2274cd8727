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
INSERT INTO cells (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- keys
SELECT key FROM cells WHERE key >= ? AND key < ? ORDER BY key

-- forget
DELETE FROM cells WHERE key = ?

-- remove
DELETE FROM cells WHERE key >= ? AND key < ?

-- stamp
SELECT application_id FROM pragma_application_id

-- all
SELECT key, value FROM cells

-- sound
PRAGMA quick_check(1)
