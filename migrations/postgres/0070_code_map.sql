-- Code maps that the hub served since its last start, for what a start changes. No patient data.
CREATE TABLE code_map (
  tenant   TEXT COLLATE "C" NOT NULL,
  name     TEXT COLLATE "C" NOT NULL, -- the file's name without .csv
  sha256   TEXT COLLATE "C" NOT NULL, -- of the file
  since_ms BIGINT           NOT NULL, -- the start that first served it
  PRIMARY KEY (tenant, name)
);
