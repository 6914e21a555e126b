-- What nginx has no words for, said to OpenSSL (3.0) itself: an SSL_CTX of our own that takes the place of nginx's for one connection.
local base = require "resty.core.base"
local ffi = require "ffi"
local C = ffi.C

ffi.cdef [[
typedef struct ssl_st kapal_ssl_t;
typedef struct ssl_ctx_st kapal_ssl_ctx_t;
void *TLS_server_method(void);
kapal_ssl_ctx_t *SSL_CTX_new(const void *method);
kapal_ssl_ctx_t *SSL_set_SSL_CTX(kapal_ssl_t *ssl, kapal_ssl_ctx_t *ctx);
long SSL_CTX_ctrl(kapal_ssl_ctx_t *ctx, int command, long number, void *pointer);
long SSL_CTX_callback_ctrl(kapal_ssl_ctx_t *ctx, int command, void (*callback)(void));
void SSL_CTX_set_alpn_select_cb(kapal_ssl_ctx_t *ctx,
    int (*choose)(kapal_ssl_t *ssl, const unsigned char **out, unsigned char *length, const unsigned char *offered, unsigned int size, void *arg), void *arg);
int SSL_get_verify_depth(const kapal_ssl_t *ssl);
void SSL_set_verify_depth(kapal_ssl_t *ssl, int depth);
int SSL_set_num_tickets(kapal_ssl_t *ssl, size_t number);
const char *SSL_get_servername(const kapal_ssl_t *ssl, int kind);
int strcmp(const char *a, const char *b);
void SSL_get0_alpn_selected(const kapal_ssl_t *ssl, const unsigned char **name, unsigned int *length);
void *ngx_http_lua_ffi_get_req_ssl_pointer(ngx_http_request_t *r, const char **err);
]]

local SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53
local SSL_CTRL_SET_MIN_PROTO_VERSION = 123
local TLS1_2_VERSION = 0x0303

local M = {}

local cast, ssl_type = ffi.cast, ffi.typeof "const kapal_ssl_t *"
-- TLSEXT_NAMETYPE_host_name.
local HOST_NAME = 0
-- The length of `acme-tls/1`, which no other protocol has that is spoken here.
local CHALLENGE = 10
local protocol, protocol_length = ffi.new "const unsigned char *[1]", ffi.new "unsigned int[1]"

local err = ffi.new("const char *[1]")

--- A context without certificates. OpenSSL asks its callback about the client's name: that is SSL_get_verify_depth, a function that takes an SSL and
--- answers a number that `admit` sets, so no Lua has to run inside of OpenSSL. It lives as long as the worker.
function M.context()
  local ctx = C.SSL_CTX_new(C.TLS_server_method())
  if ctx == nil then error("OpenSSL makes no context") end
  C.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nil)
  C.SSL_CTX_callback_ctrl(ctx, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, ffi.cast("void (*)(void)", C.SSL_get_verify_depth))
  return ctx
end

--- The SSL of the connection at hand, nil where there is none.
function M.connection()
  local ssl = C.ngx_http_lua_ffi_get_req_ssl_pointer(base.get_request(), err)
  return ssl ~= nil and ffi.cast("kapal_ssl_t *", ssl) or nil
end

--- Whether a request came over TLS (nil where not), and then whether the client named just this host (SNI), letter by letter, and is no
--- authority that looks at the certificate of a challenge (RFC 8737).
function M.is_named(this, host)
  local ssl = C.ngx_http_lua_ffi_get_req_ssl_pointer(this, err)
  if ssl == nil then return nil end
  local of = cast(ssl_type, ssl)
  C.SSL_get0_alpn_selected(of, protocol, protocol_length)
  if protocol_length[0] == CHALLENGE then return false end
  local name = C.SSL_get_servername(of, HOST_NAME)
  return name ~= nil and C.strcmp(name, host) == 0
end

-- SSL_TLSEXT_ERR_OK and SSL_TLSEXT_ERR_ALERT_FATAL: the alert is unrecognized_name unless the callback names another, which this one never does.
M.ADMIT = 0
M.REFUSE = 2

--- Gives the connection to a context, with what its callback is to answer.
function M.hand_over(ssl, ctx, answer)
  C.SSL_set_SSL_CTX(ssl, ctx)
  C.SSL_set_verify_depth(ssl, answer)
end

return M
