-- +goose Up
-- Tokens are hashed and data is in base64, which both databases keep alike.
CREATE TABLE login_session (
    token      KEYTEXT PRIMARY KEY,
    data       KEYTEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_session_expires_at ON login_session (expires_at);

-- +goose Down
DROP TABLE login_session;
