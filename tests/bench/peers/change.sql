-- One row in a hundred changes; keys of TPC-H use 8 of every 32 numbers.
update orders_changing
  set o_totalprice = o_totalprice + 1, updated_at = timestamptz '2026-02-01 00:00:00+00' + o_orderkey * interval '1 millisecond'
  where (o_orderkey / 32 * 8 + o_orderkey % 32) % 100 = 7;
vacuum (analyze) orders_changing;
