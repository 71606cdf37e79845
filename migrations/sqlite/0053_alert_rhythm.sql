-- How many deliveries of a source are usual in an hour of the week, so that a silent source is noticed.
CREATE TABLE alert_rhythm (
  tenant TEXT    NOT NULL,
  source TEXT    NOT NULL,
  hour   INTEGER NOT NULL, -- of the week in Riyadh, 0 to 167; 0 begins on Thursday at 00:00
  mean   INTEGER NOT NULL, -- thousandths of a delivery
  PRIMARY KEY (tenant, source, hour)
) WITHOUT ROWID;
