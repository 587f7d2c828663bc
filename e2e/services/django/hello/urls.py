from django.http import HttpResponse
from django.urls import path


def index(request):
    # The session makes Django write to its database on every request.
    request.session["visits"] = request.session.get("visits", 0) + 1
    request.session.save()
    return HttpResponse(f"hello {request.session['visits']} from django\n")


urlpatterns = [path("", index)]
