-- By what a person is known, or once was: what leads from an identifier to all that the audit log has of her, also after
-- the identifier was taken from the record. Nothing is taken away here.
CREATE TABLE person_known (
  tenant TEXT NOT NULL,
  kind   TEXT NOT NULL, -- identifier, mrn, phone, email
  value  BLOB NOT NULL, -- as in person_alias
  person TEXT NOT NULL,
  PRIMARY KEY (tenant, value, person)
) WITHOUT ROWID;
CREATE INDEX person_known_person ON person_known (tenant, person);
