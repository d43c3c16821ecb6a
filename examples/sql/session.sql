-- What someone types into psql. The events of the first three statements are there, those of the fourth are not.
insert into orders (total) values (42), (1200);
update orders set cancelled = true where id = 1;
select 'published: ' || (postbus.publish_event('orders.order-placed', '{"orderId": "by-hand", "total": 7, "placedAt": "2026-01-31"}', partition_key => 'by-hand') is not null) as by_hand;
begin; insert into orders (total) values (1000000); rollback;
select postbus.publish_event('orders.order-placed', '{}');
select postbus.publish_event('orders.order-plaiced', '{}');
