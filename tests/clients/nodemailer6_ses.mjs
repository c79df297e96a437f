// nodemailer 6, its former SES transport over AWS SDK for JavaScript v2.
import AWS from "aws-sdk";
import nodemailer from "nodemailer-6";
import { run, v2Options } from "./job.mjs";

await run({
  send: (job) => nodemailer.createTransport({ SES: { ses: new AWS.SES(v2Options(job)), aws: AWS } }).sendMail({
    from: job.from, to: job.to, subject: job.subject, text: job.text,
    ...(job.arn && { ses: { SourceArn: job.arn } }),
  }),
});
