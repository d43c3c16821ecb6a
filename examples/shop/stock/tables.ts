/** The table of the stock module: what is set aside for an order, until it leaves the house. */
export type StockTables = {
  stock_reservation: { order_id: string; line: number; product_id: string; quantity: number; removed_at: Date | null }
}

/** By line and not by product: an order can name a product twice. */
export const stockTables = `
  create table if not exists stock_reservation (
    order_id text not null,
    line integer not null,
    product_id text not null,
    quantity integer not null,
    removed_at timestamptz,
    primary key (order_id, line)
  );`
