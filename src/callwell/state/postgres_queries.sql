-- SPDX-License-Identifier: Apache-2.0
-- All SQL of the PostgreSQL state. A comment line `-- name` begins a query.
-- Keys are bytes, since a text of PostgreSQL has no NUL; they sort like the code points of their texts.

-- create
CREATE TABLE callwell_cells (key BYTEA PRIMARY KEY, value BYTEA NOT NULL, changed_at TIMESTAMPTZ NOT NULL);
CREATE TABLE callwell_signals (topic BYTEA PRIMARY KEY, count BIGINT NOT NULL, changed_at TIMESTAMPTZ NOT NULL)

-- create_schema
CREATE TABLE IF NOT EXISTS callwell_schema (version INT PRIMARY KEY, needs INT NOT NULL, applied_at TIMESTAMPTZ NOT NULL)

-- has_tables
SELECT to_regclass('callwell_schema') IS NOT NULL, to_regclass('callwell_cells') IS NOT NULL

-- schema
SELECT COALESCE(max(version), 0), COALESCE(max(needs), 0) FROM callwell_schema

-- begin_migration
BEGIN;
SET LOCAL lock_timeout = '30s';
SELECT pg_advisory_xact_lock(1128352844)

-- add_step
INSERT INTO callwell_schema (version, needs, applied_at) VALUES (%s, %s, now())

-- begin
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '30s';
SET LOCAL idle_in_transaction_session_timeout = '10s'

-- lock
WITH found AS MATERIALIZED (SELECT value FROM callwell_cells WHERE key = %s FOR UPDATE)
SELECT found.value, extract(epoch FROM clock_timestamp())::float8, (SELECT max(needs) FROM callwell_schema)
FROM (SELECT 1) AS always LEFT JOIN found ON true

-- reserve
INSERT INTO callwell_cells (key, value, changed_at) VALUES (%s, '', now()) ON CONFLICT (key) DO NOTHING
RETURNING extract(epoch FROM clock_timestamp())::float8

-- write
UPDATE callwell_cells SET value = %s, changed_at = now() WHERE key = %s

-- delete
DELETE FROM callwell_cells WHERE key = %s

-- commit
COMMIT

-- rollback
ROLLBACK

-- read
SELECT value FROM callwell_cells WHERE key = %s

-- keys
SELECT key FROM callwell_cells WHERE key >= %s AND key < %s ORDER BY key

-- remove
DELETE FROM callwell_cells WHERE key >= %s AND key < %s

-- entries
SELECT key, length(value), extract(epoch FROM changed_at)::float8, extract(epoch FROM clock_timestamp())::float8
FROM callwell_cells ORDER BY key

-- contents
SELECT key, value FROM callwell_cells ORDER BY key

-- rights
SELECT CASE
    WHEN to_regclass('callwell_schema') IS NULL THEN has_schema_privilege(current_schema(), 'CREATE')
    ELSE has_table_privilege('callwell_schema', 'SELECT')
END AND CASE
    WHEN to_regclass('callwell_cells') IS NULL THEN has_schema_privilege(current_schema(), 'CREATE')
    ELSE has_table_privilege('callwell_cells', 'SELECT') AND has_table_privilege('callwell_cells', 'INSERT')
        AND has_table_privilege('callwell_cells', 'UPDATE') AND has_table_privilege('callwell_cells', 'DELETE')
END

-- notify
INSERT INTO callwell_signals (topic, count, changed_at) VALUES (%(topic)s, 1, now())
ON CONFLICT (topic) DO UPDATE SET count = callwell_signals.count + 1, changed_at = now();
SELECT pg_notify('callwell', current_schema() || ':' || %(payload)s)

-- probe
SELECT pg_notify('callwell_probe', %s)

-- listen
LISTEN callwell;
LISTEN callwell_probe

-- signals
SELECT topic, count FROM callwell_signals

-- current_schema
SELECT current_schema()
