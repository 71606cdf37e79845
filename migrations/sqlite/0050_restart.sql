-- Instances that a person had started again from the beginning, with new keys.
CREATE TABLE restart (
  instance INTEGER PRIMARY KEY, -- instance.num of the new one
  of       INTEGER NOT NULL     -- instance.num of the old one, which is started again once
);
CREATE UNIQUE INDEX restart_of ON restart (of);
