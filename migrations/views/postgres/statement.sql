-- Movements of live credit. Credits are decimal texts.
CREATE TABLE statement (
    account       text COLLATE "C" NOT NULL,
    position      bigint NOT NULL,
    at            bigint NOT NULL,  -- microseconds since 1970
    cause         text COLLATE "C" NOT NULL, -- the event's type
    decision      bigint,
    actor         text COLLATE "C" NOT NULL,
    request       text COLLATE "C",
    credit        text COLLATE "C" NOT NULL,
    held          text COLLATE "C" NOT NULL,
    charged       text COLLATE "C" NOT NULL,
    refunded      text COLLATE "C" NOT NULL,
    uncollected   text COLLATE "C" NOT NULL,
    credit_after  text COLLATE "C" NOT NULL,
    held_after    text COLLATE "C" NOT NULL,
    charged_ever  text COLLATE "C" NOT NULL, -- up to here
    refunded_ever text COLLATE "C" NOT NULL,
    PRIMARY KEY (account, position)
);
