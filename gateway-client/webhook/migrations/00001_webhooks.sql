-- +goose Up
-- Whom the service tells of events, and what it has yet to tell. Instants are milliseconds since 1970 in UTC. "viewer" is what
-- the registering person may see, as JSON.
CREATE TABLE webhook (
    id       KEYTEXT PRIMARY KEY,
    person   KEYTEXT NOT NULL,
    user_name KEYTEXT NOT NULL,
    viewer   KEYTEXT NOT NULL,
    url      KEYTEXT NOT NULL,
    type     KEYTEXT NOT NULL,
    body_hash KEYTEXT NOT NULL,
    after    BIGINT NOT NULL,
    created  BIGINT NOT NULL
);
CREATE INDEX webhook_person ON webhook (person, id);
CREATE TABLE webhook_delivery (
    webhook    KEYTEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    event      KEYTEXT NOT NULL,
    state      KEYTEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    problem    KEYTEXT NOT NULL,
    PRIMARY KEY (webhook, sequence)
);
CREATE INDEX webhook_delivery_state ON webhook_delivery (state, not_before);

-- +goose Down
DROP TABLE webhook_delivery;
DROP TABLE webhook;
