# What changed, upserted by hand: COPY into a temporary table, then ON CONFLICT, in one transaction.
set -e
newest=$(psql -XAtq -d sink -c 'select max(updated_at) from orders_changing')
{
  echo 'begin; create temp table changes (like orders_changing); copy changes from stdin;'
  psql -XAtq -d source -c "copy (select * from orders_changing where updated_at > '$newest') to stdout"
  echo '\.'
  cat <<'SQL'
insert into orders_changing select * from changes on conflict (o_orderkey) do update set
  o_custkey = excluded.o_custkey, o_orderstatus = excluded.o_orderstatus, o_totalprice = excluded.o_totalprice,
  o_orderdate = excluded.o_orderdate, o_orderpriority = excluded.o_orderpriority, o_clerk = excluded.o_clerk,
  o_shippriority = excluded.o_shippriority, o_comment = excluded.o_comment, updated_at = excluded.updated_at;
commit;
SQL
} | psql -Xq -v ON_ERROR_STOP=1 -d sink
