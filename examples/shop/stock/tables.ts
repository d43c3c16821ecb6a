/** The table of the stock module: the items that are reserved for an order until they are shipped. */
export type StockTables = {
  stock_reservation: { order_id: string; line: number; product_id: string; quantity: number; removed_at: Date | null }
}

/** The key has the line and not the product: an order can contain a product twice. */
export const stockTables = `
  create table if not exists stock_reservation (
    order_id text not null,
    line integer not null,
    product_id text not null,
    quantity integer not null,
    removed_at timestamptz,
    primary key (order_id, line)
  );`
