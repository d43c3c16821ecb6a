/** The tables of the cargo module. */
export type CargoTables = {
  cargo_courier: { order_id: string; pick_up_at: Date }
  cargo_parcel: { order_id: string; sent_at: Date }
}

export const cargoTables = `
  create table if not exists cargo_courier (
    order_id text primary key,
    pick_up_at timestamptz not null
  );
  create table if not exists cargo_parcel (
    order_id text primary key,
    sent_at timestamptz not null
  );`
