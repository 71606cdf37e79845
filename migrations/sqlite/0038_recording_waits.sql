-- Recordings that still wait for the video provider: looked through every few seconds for one that nothing moves any more.
CREATE INDEX session_recording_waits ON session_recording (tenant, session) WHERE status IN ('recording', 'processing');
