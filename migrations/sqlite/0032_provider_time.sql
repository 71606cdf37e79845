-- Sessions that are not over say which time of a provider is taken; slots say which hours he has published, and no
-- longer what is booked in them. place holds places in clinic sessions alone: its column slot is always empty from here on.
UPDATE slot SET status = 'free' WHERE status = 'booked';
DELETE FROM place WHERE clinic_session = '';
UPDATE place SET slot = '' WHERE slot <> '';
