-- Emergency accesses that nobody has reviewed, for the list of what needs a person.
CREATE INDEX break_glass_unreviewed ON break_glass (tenant, opened_ms) WHERE reviewed_ms IS NULL;
