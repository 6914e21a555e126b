-- TLS-ALPN-01 (RFC 8737): an authority connects with the protocol acme-tls/1 and looks at the certificate. nginx's own choice of protocols knows h2 and
-- http/1.1 only and would refuse.
--
-- The choice is a callback of LuaJIT, run by OpenSSL after ssl_client_hello_by_lua has ended. Such a callback runs on the Lua thread that made the last
-- call through FFI (cts->L in lj_ccallback.c), which must still be alive; and never while compiled Lua runs. So the last call here is made by a thread
-- that is kept: a finished coroutine. From there to the callback OpenSSL runs without a break, and no Lua: the context has no other callback.
local ffi = require "ffi"
local nginx_ssl = require "ngx.ssl"
local openssl = require "kapal.openssl"
local C = ffi.C
-- nginx replaces those of Lua by ones that know requests.
local create, resume = coroutine.__create or coroutine.create, coroutine.__resume or coroutine.resume

local M = {}

local PROTOCOL = "acme-tls/1"
-- As it stands in the client's list (RFC 7301 3.1): with its length before it.
local ENTRY = string.char(#PROTOCOL) .. PROTOCOL
local bytes = ffi.new("const unsigned char[?]", #PROTOCOL, PROTOCOL)

local context, choose
local thread

local function choice(_, out, length)
  out[0] = bytes
  length[0] = #PROTOCOL
  return 0
end
jit.off(choice)

local function make_context()
  local ctx = openssl.context()
  choose = ffi.cast("int (*)(kapal_ssl_t *, const unsigned char **, unsigned char *, const unsigned char *, unsigned int, void *)", choice)
  C.SSL_CTX_set_alpn_select_cb(ctx, choose, nil)
  return ctx
end

local function last_call(ssl)
  C.SSL_set_num_tickets(ssl, 0)
end
jit.off(last_call)

--- Whether a client's list of protocols (the content of the extension, with the list's length before it) is of acme-tls/1 alone, as the RFC has it.
function M.is_asked(protocols)
  return #protocols == #ENTRY + 2 and string.sub(protocols, 3) == ENTRY
end

--- In ssl_client_hello_by_lua: presents the certificate, with the protocol chosen.
function M.present(pair)
  local ssl = openssl.connection()
  if not ssl then return ngx.exit(ngx.ERROR) end
  context = context or make_context()
  openssl.hand_over(ssl, context, openssl.ADMIT)
  local ok, why = nginx_ssl.set_cert(pair.chain)
  if ok then
    ok, why = nginx_ssl.set_priv_key(pair.key)
  end
  if not ok then
    ngx.log(ngx.ERR, "the certificate of a challenge cannot be presented: ", why)
    return ngx.exit(ngx.ERROR)
  end
  thread = create(last_call)
  resume(thread, ssl)
end

return M
