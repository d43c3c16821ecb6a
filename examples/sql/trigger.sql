-- A table of the application, and triggers that publish what happens to its rows, in the transaction of the statement that writes them.
create table orders (
  id bigint generated always as identity primary key,
  total numeric not null,
  placed_at timestamptz not null default now(),
  cancelled boolean not null default false
);

create function order_placed() returns trigger language plpgsql as $$
begin
  perform postbus.publish_event(
    'orders.order-placed',
    jsonb_build_object('orderId', new.id, 'total', new.total, 'placedAt', new.placed_at),
    partition_key => new.id::text
  );
  return null;
end $$;

create function order_cancelled() returns trigger language plpgsql as $$
begin
  perform postbus.publish_event(
    'orders.order-cancelled', jsonb_build_object('orderId', new.id), partition_key => new.id::text
  );
  return null;
end $$;

create trigger order_placed after insert on orders for each row execute function order_placed();

create trigger order_cancelled after update on orders for each row
  when (new.cancelled and not old.cancelled) execute function order_cancelled();
