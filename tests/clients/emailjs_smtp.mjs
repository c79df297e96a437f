// emailjs, SMTP with STARTTLS; it sends line ends as they are given, and SMTP's are CRLF.
import { readFileSync } from "node:fs";
import { Message, SMTPClient } from "emailjs";
import { run } from "./job.mjs";

await run({
  send: async (job) => {
    const client = new SMTPClient({
      host: job.smtp.host, port: job.smtp.port, user: job.smtp.user, password: job.smtp.password,
      tls: { ca: readFileSync(job.smtp.ca) }, timeout: 20_000,
    });
    try {
      const sent = await client.sendAsync(new Message({
        from: job.from, to: job.to, subject: job.subject, text: job.text.replaceAll("\n", "\r\n"),
        ...(job.arn && { "X-SES-SOURCE-ARN": job.arn, "X-SES-FROM-ARN": job.arn, "X-SES-RETURN-PATH-ARN": job.arn }),
      }));
      return { id: sent.header["message-id"] };
    } catch (error) {
      throw error.previous ?? error;
    }
  },
});
