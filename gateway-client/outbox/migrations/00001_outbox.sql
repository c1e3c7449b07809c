-- +goose Up
-- What people have asked of the ledger. "call" is emptied once the operation has ended: it holds the sealed input. Instants
-- are milliseconds since 1970 in UTC.
CREATE TABLE outbox_operation (
    id          KEYTEXT PRIMARY KEY,
    number      BIGINT NOT NULL UNIQUE,
    person      KEYTEXT NOT NULL,
    idempotency KEYTEXT NOT NULL,
    body_hash   KEYTEXT NOT NULL,
    user_name   KEYTEXT NOT NULL,
    action      KEYTEXT NOT NULL,
    about       KEYTEXT NOT NULL,
    trace       KEYTEXT NOT NULL,
    call        KEYTEXT NOT NULL,
    state       KEYTEXT NOT NULL,
    attempts    BIGINT NOT NULL,
    in_doubt    BIGINT NOT NULL,
    not_before  BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    result      KEYTEXT NOT NULL,
    tx          KEYTEXT NOT NULL,
    block       BIGINT NOT NULL,
    problem     KEYTEXT NOT NULL,
    UNIQUE (person, idempotency)
);
CREATE INDEX outbox_state ON outbox_operation (state, not_before);
CREATE INDEX outbox_person ON outbox_operation (person, number);

-- +goose Down
DROP TABLE outbox_operation;
