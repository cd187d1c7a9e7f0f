"""The contestants: what each of them has in its settings, on its rows and in its template."""

from __future__ import annotations

from sandbox.benchmarks.templates import TEMPLATES
from sandbox.peers.contestant import Contestant, page, written

_GLUE = "sandbox.peers.glue"
_MIDDLEWARE = "responsive_img.middleware.ResponsiveImgMiddleware"


# Yardsticks and ourselves -------------------------------------------------------------------------------

_STATIC = Contestant(
    "static", TEMPLATES["static.html"], build=f"{_GLUE}.static.build", is_checked=False, scenarios="A"
)
_MANIFEST = _STATIC._replace(
    page=TEMPLATES["manifest.jinja"],
    language="jinja2",
    prepare=f"{_GLUE}.static.manifests",
    wake=f"{_GLUE}.static.wake",
    is_checked=True,
)
_OURS = Contestant(
    "responsive_img",
    "{% load responsive_img %}" + TEMPLATES["ours.html"],
    apps=("responsive_img",),
    middleware=(_MIDDLEWARE,),
    libraries={"responsive_img": "responsive_img.templatetags.responsive_img"},
    decodes_once=True,
)

# Peers --------------------------------------------------------------------------------------------------

_EASY_IMAGES_WEBP = (
    '{% img photo.image width=400 ratio="4/3" densities="1,2" format="webp" alt=photo.title %}'
)
_EASY_IMAGES_JPEG = _EASY_IMAGES_WEBP.replace("webp", "jpeg")
_EASY_IMAGES = Contestant(
    "easy_images",
    page("{% load easy_images %}", _EASY_IMAGES_WEBP),
    apps=("easy_images",),
    build=f"{_GLUE}.easy_images.build",
    encoder="pyvips.Image.write_to_file",
    decodes_once=True,
    scenarios="ABCD",
    remark="a page builds nothing: built through its batch",
)
_VERSATILE = Contestant(
    "versatileimagefield",
    page(
        "",
        written(
            "",
            "photo.image.webp.{0}",
            "photo.image.thumbnail.{0}",
            keys=("400x300", "800x600"),
        ),
    ),
    apps=("versatileimagefield", f"{_GLUE}.versatile"),
    field="versatileimagefield.fields.VersatileImageField",
    settings={"VERSATILEIMAGEFIELD_SETTINGS": {"cache_name": "default"}},
    remark="WebP by a sizer written here, under names that end in .jpg",
)
_PICTURES = Contestant(
    "pictures",
    page(
        "{% load pictures %}",
        '{% picture photo.image img_alt=photo.title img_loading="lazy" img_decoding="async" %}',
    ),
    apps=("pictures",),
    field="pictures.models.PictureField",
    options={"container_width": 400, "grid_columns": 1, "file_types": ["WEBP", "JPEG"]},
    settings={"PICTURES": {"USE_PLACEHOLDERS": False, "PROCESSOR": "pictures.tasks.process_picture"}},
    build=f"{_GLUE}.pictures.build",
    decodes_once=True,
    is_checked=False,
    scenarios="ABCQ",  # no visitor builds
    remark="a page builds nothing: built as on saving",
)
_EASY_THUMBNAILS = Contestant(
    "easy_thumbnails",
    page(
        "{% load thumbnail webp %}",
        written(
            "{% thumbnail photo.image 400x300 as j1 %}{% thumbnail photo.image 800x600 as j2 %}"
            "{% webp_thumbnail photo.image 400 300 as w1 %}{% webp_thumbnail photo.image 800 600 as w2 %}",
            "w{0}.url",
            "j{0}.url",
        ),
    ),
    apps=("easy_thumbnails",),
    libraries={"webp": f"{_GLUE}.easy_thumbnails"},
    remark="WebP by a tag written here",
)
_SORL = Contestant(
    "sorl",
    page(
        "{% load thumbnail %}",
        written(
            '{% thumbnail photo.image "400" format="WEBP" as w1 %}'
            '{% thumbnail photo.image "800" format="WEBP" as w2 %}'
            '{% thumbnail photo.image "400" as j1 %}{% thumbnail photo.image "800" as j2 %}',
            "w{0}.url",
            "j{0}.url",
            "{% endthumbnail %}" * 4,
        ),
    ),
    apps=("sorl.thumbnail",),
)
_IMAGEKIT = Contestant(
    "imagekit",
    page(
        "{% load imagekit %}",
        written(
            '{% thumbnail "400x300" photo.image format="WEBP" as w1 %}'
            '{% thumbnail "800x600" photo.image format="WEBP" as w2 %}'
            '{% thumbnail "400x300" photo.image format="JPEG" as j1 %}'
            '{% thumbnail "800x600" photo.image format="JPEG" as j2 %}',
            "w{0}.url",
            "j{0}.url",
        ),
    ),
    apps=("imagekit",),
    settings={"IMAGEKIT_CACHE_BACKEND": "default"},
)
_WAGTAIL = Contestant(
    "wagtail",
    page(
        "{% load wagtailimages_tags %}",
        '{% picture photo format-{webp,jpeg} width-{400,800} sizes="400px" loading="lazy" decoding="async"'
        " alt=photo.title %}",
    ),
    apps=(
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "taggit",
        "wagtail.images",
        "wagtail.users",
        "wagtail.admin",
        "wagtail.search",
        "wagtail",
    ),
    settings={"WAGTAILADMIN_BASE_URL": "http://testserver", "WAGTAIL_SITE_NAME": "Harbours"},
    rows="wagtail.images.models.Image",
    remark="rows are its own Image",
)

CONTESTANTS = {
    "static": _STATIC,
    "manifest, Jinja2": _MANIFEST,
    "responsive_img": _OURS,
    "responsive_img, Jinja2": _OURS._replace(page=TEMPLATES["ours.jinja"], language="jinja2", scenarios="A"),
    "responsive_img, trusting": _OURS._replace(
        settings={"RESPONSIVE_IMG_CREATE_ON_DEMAND": False}, is_checked=False, scenarios="A"
    ),
    "responsive_img, enqueue": _OURS._replace(
        settings={"RESPONSIVE_IMG_BUILD_HOOK": "responsive_img.hooks.enqueue"}, scenarios="C"
    ),
    "versatileimagefield": _VERSATILE,
    "versatileimagefield, on-demand off": _VERSATILE._replace(
        settings={
            "VERSATILEIMAGEFIELD_SETTINGS": {"cache_name": "default", "create_images_on_demand": False}
        },
        is_checked=False,
        scenarios="A",
    ),
    "easy_images": _EASY_IMAGES,
    "easy_images, batch in the view": _EASY_IMAGES._replace(
        page=page("", "{{ photo.card.as_html|safe }}"), prepare=f"{_GLUE}.easy_images.batched", scenarios="A"
    ),
    "easy_images, two formats": _EASY_IMAGES._replace(
        page=_EASY_IMAGES.page.replace("</article>", _EASY_IMAGES_JPEG + "</article>"),
        build=f"{_GLUE}.easy_images.build_both",
        scenarios="BQ",
        remark="two tags, as one makes WebP or JPEG at 2x; their markup is not one picture's",
    ),
    "pictures": _PICTURES,
    "easy_thumbnails": _EASY_THUMBNAILS,
    "sorl": _SORL,
    "imagekit": _IMAGEKIT,
    "imagekit, prefetch in the view": _IMAGEKIT._replace(
        prepare=f"{_GLUE}.imagekit.prefetched", scenarios="A"
    ),
    "wagtail": _WAGTAIL,
    "wagtail, prefetch in the view": _WAGTAIL._replace(prepare=f"{_GLUE}.wagtail.prefetched", scenarios="A"),
}
OURS = "responsive_img"
NO_PEERS = ("static", OURS)  # packages

# Package → distribution, of the environment.
DISTRIBUTIONS = {
    "easy_images": "django-easy-images",
    "versatileimagefield": "django-versatileimagefield",
    "pictures": "django-pictures",
    "easy_thumbnails": "easy-thumbnails",
    "sorl": "sorl-thumbnail",
    "imagekit": "django-imagekit",
    "wagtail": "wagtail",
}
