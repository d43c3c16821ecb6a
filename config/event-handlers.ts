/** Every handler of the shop, in one list. To add a handler, add a line here. */
export { bookCourier } from '../examples/shop/cargo/book-courier.ts'
export { sendParcel } from '../examples/shop/cargo/send-parcel.ts'
export { sendReceipt } from '../examples/shop/email/send-receipt.ts'
export { createInvoice } from '../examples/shop/finances/create-invoice.ts'
export { keepStock } from '../examples/shop/stock/keep-stock.ts'
