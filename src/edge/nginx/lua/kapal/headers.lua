-- Fields of requests and answers: what nginx by itself takes too easily is refused, what must not go on is taken off. The fields by which the
-- edge says who asks are set by proxy_set_header (src/edge/nginx/config/forwarding.ts) and need no Lua.

local ffi = require("ffi")
local base = require("resty.core.base")
require("resty.core.request")
local C = ffi.C
local byte, find, gmatch, lower, sub = string.byte, string.find, string.gmatch, string.lower, string.sub
local getRequest = base.get_request

ffi.cdef([[
size_t strcspn(const char *text, const char *reject);
int strncasecmp(const char *one, const char *other, size_t most);
]])

local _M = {}

local MOST_FIELDS = 128
local LONGEST_HOST = 300

local elements = ffi.new("ngx_http_lua_ffi_table_elt_t[?]", MOST_FIELDS + 1)
local truncated = ffi.new("int[1]")

-- Routed names of Host fields that were found sound; two generations, so that random names cannot fill the memory.
local young, old, many = {}, {}, 0
local GENERATION = 4096

-- `name`, `name:port`, `[v6]`, `[v6]:port` (the rest of RFC 3986's reg-name is refused): lower case, no port, no trailing dot; nil: not sound.
local function routedName(host)
  if #host == 0 or #host > LONGEST_HOST then return nil end
  local name, port
  if byte(host) == 0x5b then
    local close = find(host, "]", 1, true)
    if not close or close < 4 or not find(host, "^%[[%x:.]+%]") then return nil end
    name, port = sub(host, 1, close), sub(host, close + 1)
  else
    local rest = find(host, "[^%w._-]") or #host + 1
    if rest == 1 then return nil end
    name, port = sub(host, 1, rest - 1), sub(host, rest)
  end
  if port ~= "" and (not find(port, "^:%d%d?%d?%d?%d?$") or tonumber(sub(port, 2)) > 65535) then return nil end
  name = lower(name)
  return byte(name, -1) == 0x2e and sub(name, 1, -2) or name
end

-- The name by which routes know the host; nil where the field is not sound.
function _M.host(host)
  local name = young[host]
  if name then return name end
  name = old[host] or routedName(host)
  if not name then return nil end
  if many >= GENERATION then
    old, young, many = young, {}, 0
  end
  young[host] = name
  many = many + 1
  return name
end

-- Never taken off because Connection names them: the edge needs them, or sets them itself.
local notNamed = {
  ["close"] = true,
  ["keep-alive"] = true,
  ["upgrade"] = true,
  ["connection"] = true,
  ["host"] = true,
  ["content-length"] = true,
  ["transfer-encoding"] = true,
  ["expect"] = true,
  ["x-request-id"] = true,
}

-- Takes off what Connection names (RFC 9110 7.6.1): false where an option is no token. The second value: whether it names an upgrade.
local function obeyConnection(value)
  local upgrade = false
  for part in gmatch(lower(value), "[^,]+") do
    local option = ngx.re.match(part, [[^[ \t]*([!#$%&'*+.^_`|~0-9a-z-]*)[ \t]*$]], "jo")
    if not option then return false end
    option = option[1]
    if option == "upgrade" then upgrade = true end
    if option ~= "" and not notNamed[option] then ngx.req.clear_header(option) end
  end
  return true, upgrade
end

local function joined(value)
  return type(value) == "table" and table.concat(value, ", ") or value
end

-- An upgrade goes on only without a body and to a protocol that hides no requests from the edge: HTTP/2 and TLS would.
local function allowUpgrade(fields)
  local upgrade = joined(fields["upgrade"])
  if not upgrade or ngx.req.http_version() ~= 1.1 then return end
  if fields["transfer-encoding"] or (tonumber(fields["content-length"] or 0) or 1) > 0 then return end
  if not ngx.re.find(upgrade, [[^(?!h2|http|tls)[!#$%&'*+.^_`|~0-9a-z/-]+$]], "joi") then return end
  ngx.var.kapal_upgrade = upgrade
end

-- Set by proxy_set_header in any case, and read where a proxy is trusted.
local replaced = {
  ["x-forwarded-for"] = true,
  ["x-forwarded-host"] = true,
  ["x-forwarded-port"] = true,
  ["x-forwarded-prefix"] = true,
  ["x-forwarded-proto"] = true,
}

-- The rare request, with tables. A status to refuse it with, or nil.
local function lookClosely()
  local fields = ngx.req.get_headers(0)
  for name in pairs(fields) do
    local family = find(name, "^x%-forwarded%-") or find(name, "^proxy%-") or name == "proxy"
    if family and not replaced[name] then ngx.req.clear_header(name) end
  end
  local expect = joined(fields["expect"])
  if expect and ngx.req.http_version() >= 1.1 and lower(expect) ~= "100-continue" then return 417 end
  local connection = joined(fields["connection"])
  if connection then
    local sound, upgrade = obeyConnection(connection)
    if not sound then return 400 end
    if upgrade then allowUpgrade(fields) end
  end
  return nil
end

-- Names and values are compared by C: LuaJIT compiles no loop around another.
local function startsWith(data, prefix)
  return C.strncasecmp(data, prefix, #prefix) == 0
end

-- Whether Connection (an ngx_http_lua_ffi_str_t) says no more than that the connection stays or ends.
local function isPlain(value)
  if value.len == 10 then return startsWith(value.data, "keep-alive") end
  return value.len == 5 and startsWith(value.data, "close")
end

-- All control characters but the tab. nginx itself refuses NUL, CR and LF in HTTP/1 alone; in HTTP/2 they would become lines of their own upstream.
local controls = "\1\2\3\4\5\6\7\8\10\11\12\13\14\15\16\17\18\19\20\21\22\23\24\25\26\27\28\29\30\31\127"

-- One walk over the fields, whose names nginx holds in lower case and whose values end with NUL. The index of Host (-1 for none, -2 where a value
-- holds a control character), how many there are, whether to look closely, whether there may be a body.
local function walk(count)
  local host, hosts, suspicious, framed = -1, 0, false, false
  for i = 0, count - 1 do
    local data, length = elements[i].key.data, elements[i].key.len
    local value = elements[i].value
    if C.strcspn(value.data, controls) ~= value.len then return -2, 0, false, false end
    local first = data[0]
    if first == 0x78 then
      if length > 12 and startsWith(data, "x-forwarded-") then suspicious = true end
    elseif first == 0x70 then
      if length >= 5 and startsWith(data, "proxy") then suspicious = true end
    elseif first == 0x68 then
      if length == 4 and data[1] == 0x6f and data[2] == 0x73 then
        host = i
        hosts = hosts + 1
      end
    elseif first == 0x63 then
      if length == 14 then
        framed = true
      elseif length == 10 and data[1] == 0x6f and data[4] == 0x65 and not isPlain(value) then
        suspicious = true
      end
    elseif first == 0x74 then
      if length == 17 then framed = true end
    elseif first == 0x65 then
      if length == 6 and data[1] == 0x78 then suspicious = true end
    end
  end
  return host, hosts, suspicious, framed
end

-- The fields of a request in `elements`; nil where there are too many.
local function fetch(request)
  local count = C.ngx_http_lua_ffi_req_get_headers_count(request, MOST_FIELDS, truncated)
  if truncated[0] ~= 0 then return nil end
  if count > 0 then C.ngx_http_lua_ffi_req_get_headers(request, elements, count, 0) end
  return count
end

-- Whether the fields need no more than that nginx sets its own: one Host, no body, and nothing for lookClosely.
function _M.isPlain(request)
  local count = fetch(request)
  if not count then return false end
  local host, hosts, suspicious, framed = walk(count)
  return host >= 0 and hosts == 1 and not suspicious and not framed
end

-- The first look at every request. A status to refuse it with, or nil, the Host as it was sent, the name by which routes know it, and whether
-- there may be a body: a field that says so (or one of the same length, which costs a second look).
function _M.check()
  local count = fetch(getRequest())
  if not count then return 431 end
  local host, name, framed
  if count > 0 then
    local at, hosts, suspicious
    at, hosts, suspicious, framed = walk(count)
    if hosts > 1 or at == -2 then return 400 end
    if at >= 0 then host = ffi.string(elements[at].value.data, elements[at].value.len) end
    if suspicious then
      local status = lookClosely()
      if status then return status end
    end
  end
  if not host then return _M.hostless() end
  name = young[host] or _M.host(host)
  if not name then return 400 end
  -- $host is the authority of an absolute target where there is one: another than Host is two requests in one (RFC 9112 3.2.2).
  if name ~= ngx.var.host then return 400 end
  return nil, host, name, framed
end

-- HTTP/1.0 may leave Host out: then no route is found. Not beside an absolute target, which would have to become the Host. HTTP/0.9 is not spoken.
function _M.hostless()
  if ngx.req.http_version() ~= 1.0 then return 400 end
  if not find(ngx.var.request, "^%u+ /") then return 400 end
  return nil, "", ""
end

-- What the policy changes about an answer, in header_filter_by_lua; only needed where `ctx.policy` is there.
function _M.filter(ctx)
  if ctx.policy then require("kapal.policy.chain").answered(ctx.policy, ctx) end
end

return _M
