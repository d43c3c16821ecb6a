/** The page: a table of prices that the browser keeps up to date. An `EventSource` connects again by itself. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Prices</title>
<h1>Prices</h1>
<table id="prices"></table>
<script>
  const table = document.getElementById('prices')
  const show = ({ productId, cents }) => {
    const row = table.rows[productId] ?? Object.assign(table.insertRow(), { id: productId })
    row.replaceChildren(...[productId, (cents / 100).toFixed(2)].map((text) => {
      const cell = document.createElement('td')
      cell.textContent = text
      return cell
    }))
  }
  const events = new EventSource('/events')
  events.addEventListener('price', ({ data }) => show(JSON.parse(data)))
  events.addEventListener('prices', ({ data }) => {
    table.replaceChildren()
    for (const [productId, cents] of Object.entries(JSON.parse(data))) show({ productId, cents })
  })
</script>
</html>
`
