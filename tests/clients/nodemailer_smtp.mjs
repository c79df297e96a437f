// nodemailer, SMTP transport with STARTTLS.
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";
import { run } from "./job.mjs";

await run({
  send: (job) => nodemailer
    .createTransport({
      host: job.smtp.host, port: job.smtp.port, requireTLS: true, tls: { ca: readFileSync(job.smtp.ca) },
      auth: { user: job.smtp.user, pass: job.smtp.password },
    })
    .sendMail({
      from: job.from, to: job.to, subject: job.subject, text: job.text,
      headers: job.arn ? { "X-SES-SOURCE-ARN": job.arn, "X-SES-FROM-ARN": job.arn, "X-SES-RETURN-PATH-ARN": job.arn } : {},
    }),
});
