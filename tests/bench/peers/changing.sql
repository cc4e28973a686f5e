-- `orders` with a moment of change, each its own, and an index as one who reads by it has.
create table orders_changing as
  select *, timestamptz '2000-01-01 00:00:00+00' + o_orderkey * interval '1 second' as updated_at from orders;
alter table orders_changing add primary key (o_orderkey);
create index on orders_changing (updated_at);
vacuum (analyze, freeze) orders_changing;
