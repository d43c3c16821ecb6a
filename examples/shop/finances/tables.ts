/** The table of the finances module. */
export type FinancesTables = {
  finances_invoice: { order_id: string; customer_id: string; cents: number; due_at: Date }
}

export const financesTables = `
  create table if not exists finances_invoice (
    order_id text primary key,
    customer_id text not null,
    cents integer not null,
    due_at timestamptz not null
  );`
