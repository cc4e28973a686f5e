-- The tables of TPC-H that are moved, as a careful user declares them.
create table lineitem (
  l_orderkey bigint not null,
  l_partkey bigint not null,
  l_suppkey bigint not null,
  l_linenumber integer not null,
  l_quantity numeric(15,2) not null,
  l_extendedprice numeric(15,2) not null,
  l_discount numeric(15,2) not null,
  l_tax numeric(15,2) not null,
  l_returnflag text not null,
  l_linestatus text not null,
  l_shipdate date not null,
  l_commitdate date not null,
  l_receiptdate date not null,
  l_shipinstruct text not null,
  l_shipmode text not null,
  l_comment text not null
);
create table orders (
  o_orderkey bigint not null,
  o_custkey bigint not null,
  o_orderstatus text not null,
  o_totalprice numeric(15,2) not null,
  o_orderdate date not null,
  o_orderpriority text not null,
  o_clerk text not null,
  o_shippriority integer not null,
  o_comment text not null
);
