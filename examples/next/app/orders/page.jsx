/** A form that works without JavaScript in the browser. */
import { order } from './actions.js'

// oxlint-disable-next-line import/no-default-export -- Next asks for it
export default function Orders() {
  return (
    <form action={order}>
      <input name="orderId" />
      <input name="sku" />
      <button type="submit">Order</button>
    </form>
  )
}
