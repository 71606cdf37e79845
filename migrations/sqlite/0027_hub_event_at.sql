-- Events in the order of their time: those that are to be told, those after one that somebody has, and those whose time
-- is over. Before, the last two walked through all.
DROP INDEX hub_event_unsent;
CREATE INDEX hub_event_at ON hub_event (sent, at_ms, id);
