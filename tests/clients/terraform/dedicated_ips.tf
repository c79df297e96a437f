# A pool with an address in it, and a configuration set whose mail goes from there; beside main.tf.
variable "ip" {}
resource "aws_sesv2_dedicated_ip_pool" "news" {
  pool_name    = "tf-news"
  scaling_mode = "STANDARD"
  tags         = { team = "news" }
}
resource "aws_sesv2_dedicated_ip_pool" "other" {
  pool_name    = "tf-managed"
  scaling_mode = "MANAGED"
}
resource "aws_sesv2_dedicated_ip_assignment" "news" {
  ip                    = var.ip
  destination_pool_name = aws_sesv2_dedicated_ip_pool.news.pool_name
}
resource "aws_sesv2_configuration_set" "news" {
  configuration_set_name = "tf-news"
  delivery_options { sending_pool_name = aws_sesv2_dedicated_ip_pool.news.pool_name }
}
data "aws_sesv2_dedicated_ip_pool" "news" {
  pool_name  = aws_sesv2_dedicated_ip_pool.news.pool_name
  depends_on = [aws_sesv2_dedicated_ip_assignment.news]
}
output "ips" { value = [for one in data.aws_sesv2_dedicated_ip_pool.news.dedicated_ips : one.ip] }
output "pool" { value = aws_sesv2_dedicated_ip_pool.news.arn }
