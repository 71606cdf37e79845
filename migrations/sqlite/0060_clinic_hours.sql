-- Clinic sessions of a provider: one provider gives one at a time.

CREATE INDEX clinic_session_provider ON clinic_session (tenant, provider, starts_ms);
