/** The tables of the orders module. */
export type OrdersTables = {
  orders_order: {
    order_id: string
    customer_id: string
    total_cents: number
    placed_at: Date
    shipped_at: Date | null
  }
  orders_line: { order_id: string; line: number; product_id: string; quantity: number; cents: number }
}

export const ordersTables = `
  create table if not exists orders_order (
    order_id text primary key,
    customer_id text not null,
    total_cents integer not null,
    placed_at timestamptz not null,
    shipped_at timestamptz
  );
  create table if not exists orders_line (
    order_id text not null references orders_order,
    line integer not null,
    product_id text not null,
    quantity integer not null,
    cents integer not null,
    primary key (order_id, line)
  );`
