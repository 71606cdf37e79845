-- The columns of the key come first: the integrity check of SQLite 3.40 reads a table without rowid in the order of its
-- key and takes another order for damage.
ALTER TABLE person_known RENAME TO person_known_old;
CREATE TABLE person_known (
  tenant TEXT NOT NULL,
  value  BLOB NOT NULL, -- as in person_alias
  person TEXT NOT NULL,
  kind   TEXT NOT NULL, -- identifier, mrn, phone, email
  PRIMARY KEY (tenant, value, person)
) WITHOUT ROWID;
INSERT INTO person_known (tenant, value, person, kind) SELECT tenant, value, person, kind FROM person_known_old;
DROP TABLE person_known_old;
CREATE INDEX person_known_person ON person_known (tenant, person);
