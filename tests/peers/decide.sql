-- The whole decision as one function, and the tables that it needs.

create table accounts (
  account text primary key,
  available bigint not null,
  held bigint not null default 0
) with (fillfactor = 50);  -- Room on the page for the new version of a row, so that no index changes.

create table ledger (
  request text primary key,
  account text not null,
  at timestamptz not null,
  code text not null,
  held bigint not null,
  available bigint not null
);
create index admitted on ledger (account, at) where code = 'ALLOWED';

create function decide(the_request text, the_account text, price bigint, most bigint, period interval) returns ledger
language plpgsql as $$
declare
  answer ledger;
  -- After the lock, so that times of one account never go backwards.
  moment timestamptz;
  room bigint;
begin
  -- Whoever asks for the same account waits here, so what is counted below stays true until the commit.
  select available into room from accounts where account = the_account for update;
  if not found then raise exception 'unknown account %', the_account; end if;

  select * into answer from ledger where request = the_request;
  if found then return answer; end if;

  moment := clock_timestamp();
  answer := (the_request, the_account, moment, 'ALLOWED', price, room - price);
  if (select count(*) from ledger where account = the_account and code = 'ALLOWED' and at > moment - period) >= most then
    answer.code := 'RATE_LIMITED';
  elsif room < price then
    answer.code := 'INSUFFICIENT_CREDIT';
  end if;

  if answer.code = 'ALLOWED' then
    update accounts set available = available - price, held = held + price where account = the_account;
  else
    answer.held := 0;
    answer.available := room;
  end if;
  insert into ledger values (answer.*);
  return answer;
end $$;
