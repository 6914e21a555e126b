-- The end of a handshake with the alert unrecognized_name (RFC 6066 3): what a client reads as "no such site here". ngx.exit in these phases could only
-- say that something is wrong with the server.
local openssl = require "kapal.openssl"

local M = {}

local context

--- In ssl_client_hello_by_lua: the handshake ends as soon as OpenSSL goes on.
function M.unrecognized()
  local ssl = openssl.connection()
  if not ssl then return ngx.exit(ngx.ERROR) end
  context = context or openssl.context()
  openssl.hand_over(ssl, context, openssl.REFUSE)
end

return M
