-- Whose data an instance works on: blind indexes (16 bytes) of identifiers of the person, made by metadata.rabt.patient of its workflow,
-- or taken over from the instance that started it. place counts from 0; the index at 0 is the patient of its audit entries.
CREATE TABLE instance_patient (
  tenant   TEXT    NOT NULL,
  patient  BLOB    NOT NULL,
  instance INTEGER NOT NULL, -- instance.num
  place    INTEGER NOT NULL,
  PRIMARY KEY (tenant, patient, instance)
) WITHOUT ROWID;
CREATE INDEX instance_patient_instance ON instance_patient (instance, place);
