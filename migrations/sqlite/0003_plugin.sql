-- Plugins: their sealed key-value store, and large content.

-- key is a blind index (16 bytes): a plugin may put an identifier of a patient into its key. value is sealed with
-- the data key that the rows of one bucket of the class "plugin" share, bound to this row. A row whose expires_ms
-- has passed counts as absent; its version still rises.
CREATE TABLE plugin_kv (
  tenant     TEXT    NOT NULL,
  plugin     TEXT    NOT NULL,
  key        BLOB    NOT NULL,
  data_key   BLOB    NOT NULL, -- data_key.id
  value      BLOB    NOT NULL,
  version    INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, -- 0: kept
  PRIMARY KEY (tenant, plugin, key)
);
CREATE INDEX plugin_kv_expires ON plugin_kv (expires_ms) WHERE expires_ms > 0;

-- The content is a sealed stream in a file named by id. The row is made before the first byte is sealed.
CREATE TABLE blob (
  id           TEXT    NOT NULL PRIMARY KEY, -- ULID
  tenant       TEXT    NOT NULL,
  content_type TEXT    NOT NULL,
  bytes        INTEGER NOT NULL, -- plain; 0 until finished
  sha256       TEXT    NOT NULL, -- hex, plain; empty until finished
  data_key     BLOB    NOT NULL, -- data_key.id
  finished     INTEGER NOT NULL, -- 0 while it is written
  owner        TEXT    NOT NULL, -- empty until a record of the hub took it over
  created_ms   INTEGER NOT NULL
);
CREATE INDEX blob_unowned ON blob (created_ms) WHERE owner = '';

-- The configuration with which each version of a plugin last started. written is the SHA-256 of its section of the
-- hub's configuration; what the plugin made of that for a newer version (rabt.migrate/1) is sealed with the shared
-- data key of the class "plugin", bound to this row.
CREATE TABLE plugin_config (
  tenant       TEXT NOT NULL,
  plugin       TEXT NOT NULL,
  version      TEXT NOT NULL,
  library      TEXT NOT NULL, -- hex, SHA-256 of the library that took it
  written      TEXT NOT NULL, -- hex
  -- for which the section, or what an older version made of it, was written; empty: for this one, it was taken as
  -- it stands
  from_version TEXT NOT NULL,
  data_key     BLOB,          -- data_key.id; null: the section as it stands
  config       BLOB,
  PRIMARY KEY (tenant, plugin, version)
);
