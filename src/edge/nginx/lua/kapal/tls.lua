-- Which certificate a client sees. All of it is decided when the client's first words are there (ssl_client_hello_by_lua), so that a resumed session
-- is refused as a new one is; ssl_certificate_by_lua then presents what was found.
--
-- Two things nginx has no words for are done with OpenSSL itself, by an SSL_CTX that takes the place of nginx's for the one connection: the alert
-- unrecognized_name (RFC 6066 3) where no certificate matches, and the protocol acme-tls/1 (RFC 8737), which nginx's own choice of protocols refuses.
local hello = require "ngx.ssl.clienthello"
local lrucache = require "resty.lrucache"
local ssl = require "ngx.ssl"
local acme = require "kapal.acme"
local cjson = require "cjson.safe"
local refusal = require "kapal.refusal"
local state = require "kapal.state"

local dict = state.dict
local find, lower, sub, byte = string.find, string.lower, string.sub, string.byte

local M = {}

-- Parsed certificates of one worker, by id: some 20 KB each. The id changes with the content, so an entry is never old.
local parsed = lrucache.new(500)
-- Extension of the client's first words with its protocols (RFC 7301).
local ALPN = 16

-- Id of the certificate for a name: exact before wildcard, which stands for one label. `kind` is `cert:` or `acme:`.
local function find_id(kind, name)
  local id = dict:get(kind .. name)
  if id then return id end
  local dot = find(name, ".", 1, true)
  if not dot or dot == 1 then return nil end
  return dict:get(kind .. "*" .. sub(name, dot))
end

-- A name as certificates have it: lower case, no dot at the end.
local function plain(name)
  name = lower(name)
  return byte(name, -1) == 46 and sub(name, 1, -2) or name
end

-- Chain and key as OpenSSL has them, or nil. What the cache drops is freed when nothing uses it any more.
local function load(id)
  local pair = parsed:get(id)
  if pair then return pair end
  local text = dict:get("pem:" .. id)
  local pem = text and cjson.decode(text)
  if not pem then return nil end
  local chain, why = ssl.parse_pem_cert(pem.chain)
  local key, why_key = nil, nil
  if chain then
    key, why_key = ssl.parse_pem_priv_key(pem.key)
  end
  if not key then
    ngx.log(ngx.ERR, "certificate ", id, " cannot be used: ", why or why_key)
    return nil
  end
  pair = { chain = chain, key = key }
  parsed:set(id, pair)
  return pair
end

--- ssl_client_hello_by_lua: refuses a client for whose name there is no certificate.
function M.client_hello()
  local name = hello.get_client_hello_server_name()
  if not name then return refusal.unrecognized() end
  name = plain(name)
  local protocols = hello.get_client_hello_ext(ALPN)
  if protocols and acme.is_asked(protocols) then
    local id = find_id("acme:", name)
    local pair = id and load(id)
    if not pair then return refusal.unrecognized() end
    return acme.present(pair)
  end
  if not find_id("cert:", name) then return refusal.unrecognized() end
end

--- ssl_certificate_by_lua: presents the certificate for the name. Between the two it may have been taken away: then the handshake fails.
function M.certificate()
  local name = ssl.server_name()
  local id = name and find_id("cert:", plain(name))
  local pair = id and load(id)
  if not pair then return ngx.exit(ngx.ERROR) end
  local ok, why = ssl.clear_certs()
  if ok then
    ok, why = ssl.set_cert(pair.chain)
  end
  if ok then
    ok, why = ssl.set_priv_key(pair.key)
  end
  if not ok then
    ngx.log(ngx.ERR, "certificate ", id, " cannot be presented: ", why)
    return ngx.exit(ngx.ERROR)
  end
end

--- Whether the connection's certificate is also that of `host` (lower case, no port): else the answer is 421 (RFC 9110 15.5.20). Only over HTTPS.
function M.covers(host)
  local name = ngx.var.ssl_server_name
  if not name then return false end
  name = plain(name)
  if name == host then return true end
  local id = find_id("cert:", name)
  return id ~= nil and id == find_id("cert:", host)
end

return M
