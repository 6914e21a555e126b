-- The cookie that keeps a visitor at one endpoint: `ID.SIGNATURE`, the same text as the embedded engine's, so a change
-- of engines loses no session.
local digest = require "kapal.digest"

local find, gmatch, match = string.find, string.gmatch, string.match

local M = {}

local BYTES = 16

--- The cookie's value for an endpoint: both parts in lower-case hex, the signature over the text of ID.
function M.value(endpoint, key)
  local id = digest.hex(digest.sha256(endpoint), BYTES)
  return id .. "." .. digest.hex(digest.hmac_sha256(digest.unhex(key), id), BYTES)
end

--- The member that the request's cookie names, nil where none does. A look in the pool's table of values proves the
--- signature as well.
function M.preferred(pool)
  local cookies = ngx.var.http_cookie
  if not cookies then return nil end
  local name = pool.config.sticky.cookie
  if not find(cookies, name, 1, true) then return nil end
  for field, value in gmatch(cookies, "([^;=%s]+)%s*=%s*([^;]*)") do
    local member = field == name and pool.by_cookie[match(value, "^(.-)%s*$")]
    if member then return member end
  end
  return nil
end

--- The Set-Cookie value that hands the visitor to a member.
function M.set_cookie(sticky, member, secure)
  local age = sticky.maxAge and string.format("; Max-Age=%d", sticky.maxAge) or ""
  local ending = secure and "; Secure" or ""
  return sticky.cookie .. "=" .. member.cookie .. "; Path=/" .. age .. "; HttpOnly; SameSite=Lax" .. ending
end

return M
