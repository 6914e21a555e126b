-- Who asks, where proxies before the edge are trusted: X-Forwarded-For is believed from its right end, one trusted proxy at a time.

local networks = require("kapal.policy.networks")
local gmatch, lower, match = string.gmatch, string.lower, string.match

local _M = {}

local function joined(value)
  return type(value) == "table" and table.concat(value, ",") or value
end

-- From the right: the first address that is no trusted proxy, or the last one that is an address at all.
local function walk(trusted, client, list)
  local entries = {}
  for entry in gmatch((list or "") .. ",", "([^,]*),") do entries[#entries + 1] = match(entry, "^[ \t]*(.-)[ \t]*$") end
  for at = #entries, 1, -1 do
    if not networks.holds(trusted, client) then break end
    local parsed = networks.parse(entries[at])
    if not parsed then break end
    client = parsed
  end
  return client
end

-- Sets `ctx.clientBytes` (of the address; nil where the connection has none that can be read) and, where a trusted proxy says it, `ctx.scheme`; tells
-- the upstream's fields. `trusted`: compiled networks, or nil.
function _M.identify(trusted, ctx)
  local bytes = networks.parse(ngx.var.remote_addr)
  ctx.clientBytes = bytes
  if not trusted or not bytes or not networks.holds(trusted, bytes) then return end
  local fields = ngx.req.get_headers(0)
  local client = walk(trusted, bytes, joined(fields["x-forwarded-for"]))
  ctx.clientBytes = client
  ctx.client = networks.format(client)
  ngx.var.kapal_client = ctx.client
  local scheme = lower(joined(fields["x-forwarded-proto"]) or "")
  if scheme == "http" or scheme == "https" then
    ctx.scheme = scheme
    ngx.var.kapal_scheme = scheme
  end
end

return _M
