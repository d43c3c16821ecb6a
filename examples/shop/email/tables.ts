/** The table of the email module: the messages that were sent. */
export type EmailTables = {
  email_message: { order_id: string; recipient: string; subject: string }
}

export const emailTables = `
  create table if not exists email_message (
    order_id text primary key,
    recipient text not null,
    subject text not null
  );`
