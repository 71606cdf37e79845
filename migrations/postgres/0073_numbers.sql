-- Numbers of records, visits, clinics and their hours are drawn as those of sessions are: they go on behind the highest
-- that there is.
INSERT INTO number_block (name, reserved)
SELECT 'session_record.' || kind || '.' || tenant, max(number) FROM session_record GROUP BY tenant, kind;
INSERT INTO number_block (name, reserved) SELECT 'visit.' || tenant, max(number) FROM visit GROUP BY tenant;
INSERT INTO number_block (name, reserved) SELECT 'clinic.' || tenant, max(number) FROM clinic GROUP BY tenant;
INSERT INTO number_block (name, reserved)
SELECT 'clinic_session.' || tenant, max(number) FROM clinic_session GROUP BY tenant;
