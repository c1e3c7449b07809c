-- +goose Up
-- +goose StatementBegin
-- Both databases read this file. KEYTEXT is text that compares by bytes. "created" is a record's place on the ledger: block
-- times 2^20 plus its number in the block. Lists are in that order, newest first.
CREATE TABLE checkpoint (
    one    BIGINT PRIMARY KEY,
    block  BIGINT NOT NULL,
    at     KEYTEXT NOT NULL
);
-- +goose StatementEnd
INSERT INTO checkpoint (one, block, at) VALUES (1, -1, '');

CREATE TABLE record (
    type    KEYTEXT NOT NULL,
    id      KEYTEXT NOT NULL,
    circle  KEYTEXT NOT NULL,
    msp     KEYTEXT NOT NULL,
    status  KEYTEXT NOT NULL,
    due     KEYTEXT NOT NULL,
    created BIGINT NOT NULL,
    block   BIGINT NOT NULL,
    tx      KEYTEXT NOT NULL,
    changed KEYTEXT NOT NULL,
    body    KEYTEXT NOT NULL,
    PRIMARY KEY (type, id)
);
CREATE INDEX record_created ON record (type, created);
CREATE INDEX record_block ON record (type, block);
CREATE INDEX record_status ON record (type, status, created);
CREATE INDEX record_due ON record (type, due);
CREATE INDEX record_status_due ON record (type, status, due, created);

CREATE TABLE record_party (
    type    KEYTEXT NOT NULL,
    id      KEYTEXT NOT NULL,
    party   KEYTEXT NOT NULL,
    former  BIGINT NOT NULL,
    status  KEYTEXT NOT NULL,
    due     KEYTEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (type, id, party)
);
CREATE INDEX record_party_created ON record_party (party, type, created);
CREATE INDEX record_party_status ON record_party (party, type, status, created);
CREATE INDEX record_party_due ON record_party (party, type, due);
CREATE INDEX record_party_status_due ON record_party (party, type, status, due, created);

CREATE TABLE link (
    type    KEYTEXT NOT NULL,
    id      KEYTEXT NOT NULL,
    role    KEYTEXT NOT NULL,
    to_type KEYTEXT NOT NULL,
    to_id   KEYTEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (type, id, role, to_type, to_id)
);
CREATE INDEX link_back ON link (to_type, to_id, type, created);

CREATE TABLE history (
    type     KEYTEXT NOT NULL,
    id       KEYTEXT NOT NULL,
    sequence BIGINT NOT NULL,
    block    BIGINT NOT NULL,
    tx       KEYTEXT NOT NULL,
    at       KEYTEXT NOT NULL,
    creator  KEYTEXT NOT NULL,
    function KEYTEXT NOT NULL,
    status   KEYTEXT NOT NULL,
    PRIMARY KEY (type, id, sequence)
);

CREATE TABLE event (
    sequence BIGINT PRIMARY KEY,
    block    BIGINT NOT NULL,
    tx       KEYTEXT NOT NULL,
    at       KEYTEXT NOT NULL,
    type     KEYTEXT NOT NULL,
    id       KEYTEXT NOT NULL,
    circle   KEYTEXT NOT NULL,
    ref      KEYTEXT NOT NULL,
    of_type  KEYTEXT NOT NULL,
    of_id    KEYTEXT NOT NULL,
    msp      KEYTEXT NOT NULL
);

CREATE TABLE event_party (
    party    KEYTEXT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (party, sequence)
);

CREATE TABLE term (
    party KEYTEXT NOT NULL,
    term  KEYTEXT NOT NULL,
    type  KEYTEXT NOT NULL,
    id    KEYTEXT NOT NULL,
    PRIMARY KEY (party, term, type, id)
);
CREATE INDEX term_of ON term (type, id);

CREATE TABLE total (
    name     KEYTEXT NOT NULL,
    scope    KEYTEXT NOT NULL,
    subject  KEYTEXT NOT NULL,
    currency KEYTEXT NOT NULL,
    day      KEYTEXT NOT NULL,
    minor    BIGINT NOT NULL,
    records  BIGINT NOT NULL,
    PRIMARY KEY (name, scope, subject, currency, day)
);
CREATE INDEX total_day ON total (name, scope, day);
CREATE INDEX total_records ON total (name, records);

CREATE TABLE acquaintance (
    party KEYTEXT NOT NULL,
    knows KEYTEXT NOT NULL,
    PRIMARY KEY (party, knows)
);

CREATE TABLE party (
    id     KEYTEXT PRIMARY KEY,
    circle KEYTEXT NOT NULL,
    party  KEYTEXT NOT NULL,
    host   KEYTEXT NOT NULL,
    name   KEYTEXT NOT NULL
);
CREATE INDEX party_party ON party (party, circle);
CREATE INDEX party_host ON party (host, party);

CREATE TABLE receivable (
    id           KEYTEXT PRIMARY KEY,
    created      BIGINT NOT NULL,
    status       KEYTEXT NOT NULL,
    due          KEYTEXT NOT NULL,
    programme    KEYTEXT NOT NULL,
    seller       KEYTEXT NOT NULL,
    buyer        KEYTEXT NOT NULL,
    number       KEYTEXT NOT NULL,
    currency     KEYTEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    owed_minor   BIGINT NOT NULL,
    issued       KEYTEXT NOT NULL,
    confirmed    KEYTEXT NOT NULL,
    confirmed_minor BIGINT NOT NULL,
    credited_minor  BIGINT NOT NULL,
    grace_days      BIGINT NOT NULL
);
CREATE INDEX receivable_issued ON receivable (issued);
CREATE INDEX receivable_seller ON receivable (seller, created);
CREATE INDEX receivable_seller_status ON receivable (seller, status, created);
CREATE INDEX receivable_seller_due ON receivable (seller, due, created);
CREATE INDEX receivable_buyer ON receivable (buyer, created);
CREATE INDEX receivable_buyer_status ON receivable (buyer, status, created);
CREATE INDEX receivable_buyer_due ON receivable (buyer, due, created);
CREATE INDEX receivable_programme ON receivable (programme, created);
CREATE INDEX receivable_programme_status ON receivable (programme, status, created);
CREATE INDEX receivable_pair ON receivable (seller, buyer, issued, id);
CREATE INDEX receivable_number ON receivable (number, created);

CREATE TABLE payment (
    id         KEYTEXT PRIMARY KEY,
    receivable KEYTEXT NOT NULL,
    paid       KEYTEXT NOT NULL
);
CREATE INDEX payment_receivable ON payment (receivable, paid);

CREATE TABLE fragment (
    id         KEYTEXT PRIMARY KEY,
    created    BIGINT NOT NULL,
    status     KEYTEXT NOT NULL,
    due        KEYTEXT NOT NULL,
    receivable KEYTEXT NOT NULL,
    programme  KEYTEXT NOT NULL,
    holder     KEYTEXT NOT NULL,
    debtor     KEYTEXT NOT NULL,
    currency   KEYTEXT NOT NULL,
    face_minor BIGINT NOT NULL
);
CREATE INDEX fragment_holder ON fragment (holder, created);
CREATE INDEX fragment_receivable ON fragment (receivable, created);

CREATE TABLE application (
    id           KEYTEXT PRIMARY KEY,
    created      BIGINT NOT NULL,
    status       KEYTEXT NOT NULL,
    due          KEYTEXT NOT NULL,
    bank         KEYTEXT NOT NULL,
    applicant    KEYTEXT NOT NULL,
    product      KEYTEXT NOT NULL,
    tender       KEYTEXT NOT NULL,
    currency     KEYTEXT NOT NULL,
    amount_minor BIGINT NOT NULL
);
CREATE INDEX application_applicant ON application (applicant, created);
CREATE INDEX application_tender ON application (tender, created);

CREATE TABLE loan (
    id             KEYTEXT PRIMARY KEY,
    created        BIGINT NOT NULL,
    status         KEYTEXT NOT NULL,
    due            KEYTEXT NOT NULL,
    bank           KEYTEXT NOT NULL,
    borrower       KEYTEXT NOT NULL,
    product        KEYTEXT NOT NULL,
    currency       KEYTEXT NOT NULL,
    advance_minor  BIGINT NOT NULL,
    principal_minor BIGINT NOT NULL,
    unpaid_since   KEYTEXT NOT NULL
);
CREATE INDEX loan_borrower ON loan (borrower, created);
CREATE INDEX loan_unpaid ON loan (unpaid_since, created);

CREATE TABLE receipt (
    id        KEYTEXT PRIMARY KEY,
    created   BIGINT NOT NULL,
    status    KEYTEXT NOT NULL,
    due       KEYTEXT NOT NULL,
    programme KEYTEXT NOT NULL,
    operator  KEYTEXT NOT NULL,
    owner     KEYTEXT NOT NULL,
    site      KEYTEXT NOT NULL
);
CREATE INDEX receipt_owner ON receipt (owner, created);

CREATE TABLE margin (
    id        KEYTEXT PRIMARY KEY,
    created   BIGINT NOT NULL,
    status    KEYTEXT NOT NULL,
    due       KEYTEXT NOT NULL,
    ltv_bps   BIGINT NOT NULL
);
CREATE INDEX margin_ltv ON margin (ltv_bps, created);

CREATE TABLE score (
    id          KEYTEXT PRIMARY KEY,
    created     BIGINT NOT NULL,
    status      KEYTEXT NOT NULL,
    due         KEYTEXT NOT NULL,
    subject     KEYTEXT NOT NULL,
    application KEYTEXT NOT NULL,
    model       KEYTEXT NOT NULL,
    points      BIGINT NOT NULL
);
CREATE INDEX score_subject ON score (subject, created);
CREATE INDEX score_application ON score (application, created);

CREATE TABLE lane (
    id         KEYTEXT PRIMARY KEY,
    credit     KEYTEXT NOT NULL,
    number     BIGINT NOT NULL,
    cap_minor  BIGINT NOT NULL,
    used_minor BIGINT NOT NULL
);
CREATE INDEX lane_credit ON lane (credit, number);

-- +goose Down
DROP TABLE lane;
DROP TABLE score;
DROP TABLE margin;
DROP TABLE receipt;
DROP TABLE loan;
DROP TABLE application;
DROP TABLE fragment;
DROP TABLE payment;
DROP TABLE receivable;
DROP TABLE party;
DROP TABLE acquaintance;
DROP TABLE total;
DROP TABLE term;
DROP TABLE event_party;
DROP TABLE event;
DROP TABLE history;
DROP TABLE link;
DROP TABLE record_party;
DROP TABLE record;
DROP TABLE checkpoint;
