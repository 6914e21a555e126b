-- Who asks, where proxies before the edge are trusted: X-Forwarded-For is believed from its right end, one trusted proxy at a time.

local networks = require("kapal.policy.networks")
local gmatch, lower = string.gmatch, string.lower

local _M = {}

-- The address of the connection; IPv4 inside IPv6 is IPv4.
local function connected()
  return (string.gsub(ngx.var.remote_addr, "^::ffff:(%d+%.)", "%1"))
end

local function joined(value)
  return type(value) == "table" and table.concat(value, ",") or value
end

-- From the right: the first address that is no trusted proxy, or the last one that is an address at all.
local function walk(trusted, from, bytes, list)
  local entries = {}
  for entry in gmatch(list or "", "[^,]+") do entries[#entries + 1] = string.match(entry, "^%s*(.-)%s*$") end
  for at = #entries, 1, -1 do
    if not networks.holds(trusted, bytes) then break end
    local parsed = networks.parse(entries[at])
    if not parsed then break end
    from, bytes = entries[at], parsed
  end
  return from, bytes
end

-- Sets `ctx.client` (text), `ctx.clientBytes` and, where a trusted proxy names it, `ctx.scheme`; tells the upstream's fields.
function _M.identify(trusted, ctx)
  local address = connected()
  local bytes = networks.parse(address)
  ctx.client, ctx.clientBytes = address, bytes or "\0\0\0\0"
  if not trusted or not bytes or not networks.holds(trusted, bytes) then return end
  local fields = ctx.sent or ngx.req.get_headers(0)
  local client, clientBytes = walk(trusted, address, bytes, joined(fields["x-forwarded-for"]))
  -- Sent on in the form in which it is compared.
  ctx.client, ctx.clientBytes = client, clientBytes
  ngx.var.kapal_client = client
  local scheme = string.match(lower(joined(fields["x-forwarded-proto"]) or ""), "([^,%s]*)%s*$")
  if scheme == "http" or scheme == "https" then
    ctx.scheme = scheme
    ngx.var.kapal_scheme = scheme
  end
end

return _M
