-- How many deliveries of a source are usual in an hour of the week, so that a silent source is noticed.
CREATE TABLE alert_rhythm (
  tenant TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  hour BIGINT NOT NULL, -- of the week in Riyadh, 0 to 167; 0 begins on Thursday at 00:00
  mean BIGINT NOT NULL, -- thousandths of a delivery
  PRIMARY KEY (tenant, source, hour)
);
